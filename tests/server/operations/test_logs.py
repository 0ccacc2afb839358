import io
import logging
import sys

import pytest

from scribe_server.operations.logs import clean, log_to_stderr

TOKEN = "scribe_" + "a" * 43


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "x.py", 1, message, arguments, None)


def test_a_strangers_text_cannot_begin_a_line_or_colour_a_terminal() -> None:
    cleaned = record("session %s", "a\nINFO forged\x1b[31m\u2028")
    assert clean(cleaned)
    assert cleaned.getMessage() == r"session a\nINFO forged\x1b[31m\u2028"


def test_no_token_is_shown_not_even_in_a_traceback() -> None:
    cleaned = record("token %s", TOKEN)
    try:
        raise ValueError(TOKEN)
    except ValueError:
        cleaned.exc_info = sys.exc_info()
    clean(cleaned)
    line = logging.Formatter().format(cleaned)
    assert TOKEN not in line
    assert "Traceback" in line


def test_packets_are_not_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)
    log_to_stderr()
    logging.getLogger("scribe_server.engineio").info("Received packet 40{secret}")
    logging.getLogger("scribe_server.app").info("listening")
    assert "secret" not in output.getvalue()
    assert "INFO scribe_server.app: listening" in output.getvalue()
