import pytest

from scribe_desktop.errors import AudioError, ScribeError
from scribe_desktop.model import CaptureState
from scribe_desktop.ui.intents import Intents
from scribe_desktop.ui.problems import Fix
from tests.desktop.ui.fake_app import FakeApp, status_of


def test_the_big_button_records_and_stops(app: FakeApp) -> None:
    intents = Intents(app)
    intents.record_or_stop()
    intents.record_or_stop()
    assert app.calls == ["start_recording", "stop_recording"]


def test_space_pauses_and_resumes(app: FakeApp) -> None:
    app.status = status_of(CaptureState.RECORDING)
    intents = Intents(app)
    intents.pause_or_resume()
    intents.pause_or_resume()
    assert app.calls == ["pause_recording", "resume_recording"]


@pytest.mark.parametrize(
    "state", [CaptureState.IDLE, CaptureState.STARTING, CaptureState.FINALISING]
)
def test_there_is_nothing_to_pause_or_mark_when_nothing_is_recorded(
    app: FakeApp, state: CaptureState
) -> None:
    app.status = status_of(state)
    intents = Intents(app)
    intents.pause_or_resume()
    intents.mark()
    assert app.calls == []


@pytest.mark.parametrize("state", [CaptureState.RECORDING, CaptureState.PAUSED])
def test_markers_are_set_while_recording_and_paused(app: FakeApp, state: CaptureState) -> None:
    app.status = status_of(state)
    Intents(app).mark()
    assert app.calls == ["add_marker"]


def test_a_refused_call_is_told(app: FakeApp) -> None:
    app.error = AudioError("No microphone", "None was found.", "Plug one in.")
    intents = Intents(app)
    failures: list[ScribeError] = []
    intents.failed.connect(failures.append)
    intents.record()
    assert [error.title for error in failures] == ["No microphone"]


def test_sending_is_paused_and_resumed(app: FakeApp) -> None:
    intents = Intents(app)
    intents.pause_or_resume_sending()
    assert intents.sync_paused
    intents.pause_or_resume_sending()
    assert not intents.sync_paused
    assert app.calls == ["set_sync_paused True", "set_sync_paused False"]


def test_a_refused_pause_of_sending_changes_nothing(app: FakeApp) -> None:
    app.error = ScribeError("Scribe is starting", "It is not ready yet.")
    intents = Intents(app)
    intents.pause_or_resume_sending()
    assert not intents.sync_paused


@pytest.mark.parametrize(
    ("fix", "calls"),
    [(Fix.RECORD, ["start_recording"]), (Fix.SEND_NOW, ["send_now"]), (Fix.NONE, [])],
)
def test_a_fix_does_what_it_says(app: FakeApp, fix: Fix, calls: list[str]) -> None:
    Intents(app).repair(fix)
    assert app.calls == calls
