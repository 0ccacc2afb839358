"""The desktop's log: one rotating file that only its owner can read, and never a token in it."""

import logging
import logging.handlers
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Final

from typing_extensions import override

log = logging.getLogger(__name__)

ProgramHook = Callable[[type[BaseException], BaseException, TracebackType | None], object]

FORMAT: Final = "%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"
MAX_BYTES: Final = 2_000_000
KEPT_FILES: Final = 3

_SECRETS: Final = re.compile(
    r"""(?ix)
    scribe_[A-Za-z0-9_-]{16,}                                  # our tokens
    | (?<=bearer\s)[^\s"',;]+                                  # RFC 6750, section 2.1
    | (?<=token=)[^\s&"']+ | (?<=token"[:]\s")[^"]+ | (?<=token'[:]\s')[^']+
    """
)


def redact(text: str) -> str:
    """The text with everything that looks like a token taken out."""
    return _SECRETS.sub("[token]", text)


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, without tokens."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """The finished line, redacted as a whole: tokens hide in tracebacks too."""
        return redact(super().format(record))


class PrivateFileHandler(logging.handlers.RotatingFileHandler):
    """A rotating file that is made with mode 0600."""

    @override
    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        """Of a disk that fails, what matters goes to stderr as a line; stock writes a traceback."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
        elif record.levelno >= logging.WARNING:
            words = redact(f"{record.levelname} {record.name}: {record.getMessage()}")
            sys.stderr.write(words + "\n")


@contextmanager
def logging_to(file: Path, *, verbose: bool = False) -> Iterator[None]:
    """Write the log to `file` in this context, uncaught exceptions of all threads included.

    A file that cannot be written prevents nothing: what matters then goes to stderr.
    """
    handler = _handler(file)
    handler.setFormatter(RedactingFormatter(FORMAT))
    root = logging.getLogger()
    before = root.level, threading.excepthook, sys.excepthook
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("scribe_desktop").setLevel(logging.DEBUG if verbose else logging.NOTSET)
    threading.excepthook = _thread_hook(threading.excepthook)
    sys.excepthook = _program_hook(sys.excepthook)
    try:
        yield
    finally:
        level, threading.excepthook, sys.excepthook = before
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def _handler(file: Path) -> logging.Handler:
    try:
        return PrivateFileHandler(
            file, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8"
        )
    except OSError:
        to_stderr = logging.StreamHandler(sys.stderr)
        to_stderr.setLevel(logging.WARNING)
        return to_stderr


def _thread_hook(
    then: Callable[[threading.ExceptHookArgs], object],
) -> Callable[[threading.ExceptHookArgs], None]:
    def note(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else "a thread"
        log.critical("uncaught exception in %s", name, exc_info=args.exc_value or True)
        then(args)

    return note


def _program_hook(then: ProgramHook) -> ProgramHook:
    def note(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            log.critical("uncaught exception", exc_info=error)
        then(kind, error, traceback)

    return note
