import os
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.cli.record import end_words, failure_in
from scribe_desktop.errors import AudioError
from scribe_desktop.paths import Paths
from scribe_desktop.spool import Spool
from tests.parts.fake_app_parts import Made
from tests.parts.processes import wait_until

Scribe = Callable[..., Any]


@pytest.fixture
def sound(tmp_path: Path) -> str:
    file = tmp_path / "sound.wav"
    file.write_bytes(b"RIFF")
    return str(file)


def test_a_recording_ends_with_one_line_of_json(made: Made, scribe: Scribe, sound: str) -> None:
    made.records_at_once = True
    said = scribe("record", "--input", sound, "--speed", "max", "--title", "One", "--json")
    assert said.code == 0
    assert len(said.out.splitlines()) == 1
    assert said.json["chunks"] == 1
    assert said.json["samples"] == 1_440_000
    assert (said.json["state"], said.json["receipt"]) == ("local", None)
    assert "1 part not sent yet" in said.err
    assert "tell the others" not in said.err
    assert made.recorder.request.title == "One"
    assert not made.recorder.request.realtime


def test_waiting_ends_with_the_receipt(made: Made, scribe: Scribe) -> None:
    made.records_at_once = made.delivers = True
    said = scribe("record", "--wait", "--json", "--for", "0.5")
    assert said.code == 0
    assert said.json["state"] == "verified"
    assert said.json["receipt"]["sessionId"] == said.json["sessionId"]
    assert made.recorder.request.for_samples == 24_000


def test_waiting_in_vain_ends_with_6_and_still_tells_the_session(
    made: Made, scribe: Scribe
) -> None:
    made.records_at_once = True
    said = scribe("record", "--wait", "--timeout", "0", "--json")
    assert said.code == 6
    assert said.json["chunks"] == 1
    assert "safe on this computer" in said.err


def test_words_for_people_go_to_stdout(made: Made, scribe: Scribe) -> None:
    made.records_at_once = made.delivers = True
    said = scribe("record", "--wait")
    assert "Please tell the others" in said.out
    assert "with a signed receipt" in said.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_recording_cleanly(
    made: Made, scribe: Scribe, number: signal.Signals
) -> None:
    def interrupt() -> None:
        wait_until(
            lambda: made.recorders and made.recorder.calls, timeout_s=10, what="the recording"
        )
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    said = scribe("record", "--json")
    thread.join()
    assert said.code == 0
    assert said.json["chunks"] == 1
    assert made.recorder.calls.count("stop") == 1


def test_what_the_recorder_refuses_is_the_exit_code(made: Made, scribe: Scribe) -> None:
    made.refuses = AudioError("No microphone", "There is none.")
    said = scribe("record", "--json")
    assert (said.code, said.out) == (3, "")
    assert "There is none." in said.err


def test_a_failure_during_the_recording_is_told_at_its_end(
    made: Made, scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.parts.fake_app_parts.FakeRecorder.wait", lambda *_: True)
    made.records_at_once = True
    original = made._recorder

    def failing(*args: Any) -> Any:
        recorder = original(*args)
        recorder.failure = AudioError("Lost", "The file is cut off.")
        return recorder

    monkeypatch.setattr(made, "_recorder", failing)
    said = scribe("record", "--wait", "--json")
    assert said.code == 3
    assert said.json["chunks"] == 1
    assert "cut off" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--timeout", "3"], "needs --wait"),
        (["--input", "no-such-file.wav"], "no-such-file"),
        (["--for", "0"], "--for"),
        (["--server", "nonsense"], "--server"),
    ],
)
def test_what_does_not_fit_ends_with_2(
    made: Made, scribe: Scribe, arguments: list[str], words: str
) -> None:
    said = scribe("record", *arguments)
    assert said.code == 2
    assert words in said.err
    assert made.recorders == []


def test_no_failure_is_no_error() -> None:
    assert failure_in({"failure": None}) is None


def test_the_end_is_told_as_it_is(made: Made, scribe: Scribe, paths: Paths) -> None:
    made.records_at_once = True
    scribe("record")
    with closing(Spool.open(paths.spool_dir)) as spool:
        session = spool.sessions()[0]
        for chunk in spool.chunks(session.session_id):
            spool.mark_acked(session.session_id, chunk.sequence, sha256=chunk.sha256, acked_at=1)
        assert "the receipt is to come" in end_words(spool.sessions()[0])
