import logging
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.log import PrivateFileHandler, logging_to, redact

TOKEN = "scribe_" + "Ab3-_" * 8


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    with logging_to(tmp_path / "scribe.log"):
        yield tmp_path / "scribe.log"


@pytest.mark.parametrize(
    "text",
    [
        f"connecting with {TOKEN}",
        f"{{'token': '{TOKEN}'}}",
        "Authorization: Bearer abc.def-123",
        "https://a/?token=abc.def-123&x=1",
        '{"token": "abc.def-123"}',
    ],
)
def test_a_token_is_taken_out(text: str) -> None:
    assert "[token]" in redact(text)
    assert "abc.def-123" not in redact(text)
    assert TOKEN not in redact(text)


def test_other_words_stay() -> None:
    assert redact("scribe_desktop.spool: 3 parts") == "scribe_desktop.spool: 3 parts"


def test_the_file_is_its_owners_only(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_in_a_message_or_a_traceback_is_not_written(file: Path) -> None:
    logger = logging.getLogger("scribe_desktop.test")
    logger.info("signed in with %s", TOKEN)
    try:
        raise ValueError(f"bad token {TOKEN}")
    except ValueError:
        logger.info("failed", exc_info=True)
    text = file.read_text()
    assert TOKEN not in text
    assert text.count("[token]") >= 2


@pytest.mark.logs_errors
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exception_that_ends_a_thread_is_written(file: Path) -> None:
    def fail() -> None:
        raise RuntimeError("the thread's mistake")

    thread = threading.Thread(target=fail, name="a-thread")
    thread.start()
    thread.join()
    assert "a-thread" in file.read_text()
    assert "the thread's mistake" in file.read_text()


def test_after_stopping_nothing_is_written(tmp_path: Path) -> None:
    hook = threading.excepthook
    with logging_to(tmp_path / "scribe.log"):
        assert threading.excepthook is not hook
    assert threading.excepthook is hook
    logging.getLogger("scribe_desktop.test").warning("too late")
    assert "too late" not in (tmp_path / "scribe.log").read_text()


def test_a_log_that_cannot_be_written_goes_to_stderr_where_it_matters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with logging_to(tmp_path / "file" / "scribe.log"):
        logging.getLogger("scribe_desktop.test").warning("a warning")
        logging.getLogger("scribe_desktop.test").info("a remark")
    said = capsys.readouterr().err
    assert "a warning" in said
    assert "a remark" not in said


def test_a_disk_that_fails_under_the_log_leaves_lines_and_no_tracebacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(PrivateFileHandler, "shouldRollover", fail)
    with logging_to(tmp_path / "log"):
        logging.getLogger("scribe_desktop.test").info("of no matter")
        logging.getLogger("scribe_desktop.test").warning("token=abc %s", "moved")
    assert capsys.readouterr().err == "WARNING scribe_desktop.test: token=[token] moved\n"
