"""The log: plain lines on stderr, one per event, tokens left out."""

import logging
import re
import sys

from scribe_server.operations.throttle import Throttle, ThrottledHandler

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TOKEN = re.compile(r"scribe_[A-Za-z0-9_-]{20,}")
_TRACEBACKS = logging.Formatter()


def clean(record: logging.LogRecord) -> bool:
    """Make a record fit to be read.

    A stranger's text can neither begin a line nor colour a terminal; no token is shown.
    """
    text = _CONTROL.sub(lambda found: repr(found[0])[1:-1], record.getMessage())
    record.msg, record.args = _TOKEN.sub("scribe_…", text), None
    if record.exc_info and not record.exc_text:
        record.exc_text = _TRACEBACKS.formatException(record.exc_info)
    if record.exc_text:
        record.exc_text = _TOKEN.sub("scribe_…", record.exc_text)
    return True


def log_to_stderr(level: int = logging.INFO) -> None:
    """Send all logging to stderr, a flood of one kind of line in part only."""
    handler = ThrottledHandler(sys.stderr, throttle=Throttle())
    handler.addFilter(clean)
    handler.setFormatter(logging.Formatter("{asctime} {levelname} {name}: {message}", style="{"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    # The first two describe packets, with what is in them.
    for name in ("scribe_server.engineio", "scribe_server.socketio", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
