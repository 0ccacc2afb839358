"""The desktop's log: one rotating file that only its owner can read, and never a token in it."""

import logging
import logging.handlers
import os
import re
import sys
import threading
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Final

from typing_extensions import override

log = logging.getLogger(__name__)

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


def start_log(file: Path, *, verbose: bool = False) -> logging.Handler:
    """Write the log to `file` from now on, uncaught exceptions of all threads included."""
    handler = PrivateFileHandler(
        file, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=False
    )
    handler.setFormatter(RedactingFormatter(FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("scribe_desktop").setLevel(logging.DEBUG if verbose else logging.INFO)
    threading.excepthook = _thread_failed
    sys.excepthook = _program_failed
    return handler


def stop_log(handler: logging.Handler) -> None:
    """Take a handler of `start_log` away and close its file."""
    logging.getLogger().removeHandler(handler)
    handler.close()
    threading.excepthook = threading.__excepthook__
    sys.excepthook = sys.__excepthook__


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "a thread"
    error = args.exc_value or args.exc_type()
    log.critical("uncaught exception in %s", name, exc_info=error)
    threading.__excepthook__(args)


def _program_failed(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("uncaught exception", exc_info=error)
    sys.__excepthook__(kind, error, traceback)
