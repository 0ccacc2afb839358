import threading
from collections.abc import Callable

import pytest

from scribe_desktop.errors import AudioError, ScribeError
from scribe_desktop.model import CaptureState
from scribe_desktop.ui.intents import Intents
from scribe_desktop.ui.problems import Fix
from tests.desktop.ui.fake_app import FakeApp, status_of

Wait = Callable[[Callable[[], object]], None]


def test_the_big_button_records_and_stops(app: FakeApp, wait: Wait) -> None:
    intents = Intents(app)
    intents.record_or_stop()
    wait(lambda: app.calls)
    intents.record_or_stop()
    assert app.calls == ["start_recording", "stop_recording"]


def test_a_start_that_takes_its_time_holds_nobody_up_and_is_made_once(
    app: FakeApp, wait: Wait
) -> None:
    may_go_on = threading.Event()
    starts: list[threading.Thread] = []

    def slow_start() -> str:
        starts.append(threading.current_thread())
        may_go_on.wait(10)
        return "one"

    app.start_recording = slow_start
    intents = Intents(app)
    intents.record()
    intents.record()
    intents.record_or_stop()
    may_go_on.set()
    wait(lambda: not intents._starting)
    intents.finish()
    assert len(starts) == 1
    assert starts[0] is not threading.main_thread()


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
    app.status = status_of(CaptureState.RECORDING)
    app.error = ScribeError("Not now", "It is busy.")
    intents = Intents(app)
    failures: list[ScribeError] = []
    intents.failed.connect(failures.append)
    intents.mark()
    assert [error.title for error in failures] == ["Not now"]


def test_a_refused_start_is_told_and_can_be_tried_again(app: FakeApp, wait: Wait) -> None:
    app.error = AudioError("No microphone", "None was found.", "Plug one in.")
    intents = Intents(app)
    failures: list[ScribeError] = []
    intents.failed.connect(failures.append)
    intents.record()
    wait(lambda: failures)
    assert [error.title for error in failures] == ["No microphone"]
    intents.record()
    wait(lambda: len(app.calls) == 2)


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
    intents = Intents(app)
    intents.repair(fix)
    intents.finish()
    assert app.calls == calls
