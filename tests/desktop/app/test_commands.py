from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.app import App
from scribe_desktop.app.commands import camel, describe, handlers_of, plain, request_from
from scribe_desktop.errors import AudioError, ScribeError, UsageError
from scribe_desktop.model import Status
from tests.parts.fake_app_parts import Made, make_app


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def app(tmp_path: Path, made: Made) -> Iterator[App]:
    running = make_app(tmp_path, made)
    running.start()
    yield running
    running.stop()


def ask(app: App, command: str, **fields: Any) -> Mapping[str, Any]:
    return handlers_of(app)[command]({"command": command, **fields})


def test_record_toggle_and_stop_name_the_session(app: App) -> None:
    first = ask(app, "record", title="One")["sessionId"]
    assert ask(app, "toggle") == {"recording": False, "sessionId": first}
    second = ask(app, "toggle")
    assert second["recording"]
    assert ask(app, "stop")["sessionId"] == second["sessionId"]


def test_stopping_an_ended_recording_leaves_the_next_one_alone(app: App) -> None:
    first = ask(app, "record")["sessionId"]
    ask(app, "stop", sessionId=first)
    ask(app, "record")
    ask(app, "stop", sessionId=first)
    assert describe(app)["capture"]["state"] == "recording"


def test_delete_says_what_would_be_lost_and_deletes_when_that_is_accepted(app: App) -> None:
    session_id = ask(app, "record")["sessionId"]
    ask(app, "stop")
    reply = ask(app, "delete", sessionId=session_id)
    assert (reply["deleted"], reply["lostMs"]) == (False, 30_000)
    assert "0.5 minutes" in reply["message"]
    for wrong in ("x", -1, None):
        with pytest.raises(UsageError):
            ask(app, "delete", sessionId=session_id, acceptedLossMs=wrong)
    assert ask(app, "delete", sessionId=session_id, acceptedLossMs=30_000) == {"deleted": True}
    assert app.sessions() == []


def test_pause_resume_marker_and_sync_reach_the_parts(app: App, made: Made) -> None:
    ask(app, "record")
    for command in ("pause", "resume", "sync"):
        assert ask(app, command) == {}
    assert ask(app, "marker", label="x") == {}
    assert made.recorder.calls == ["start", "pause", "resume", "marker x"]
    assert "send_now" in made.sync.calls


def test_the_status_is_plain_and_in_camel_case(app: App, made: Made) -> None:
    ask(app, "record", title="One")
    status = describe(app)
    assert status["capture"]["title"] == "One"
    assert status["sync"]["awaitingReceipt"] == 0
    assert status["failure"] is None
    made.recorder.failure = AudioError("Lost", "It is gone.", "Plug it in.")
    assert describe(app)["failure"]["exitCode"] == 3


def test_signing_in_needs_an_origin(app: App) -> None:
    with pytest.raises(UsageError, match="origin"):
        ask(app, "sign-in")
    ask(app, "sign-in", origin="https://scribe.example", token="secret")
    assert app.settings.server == "https://scribe.example"
    ask(app, "sign-out", origin="https://scribe.example")
    assert app.settings.server == "local"


def test_without_a_window_raising_is_refused(app: App) -> None:
    with pytest.raises(ScribeError, match="no window"):
        ask(app, "raise")


def test_a_request_takes_the_rest_from_the_settings(app: App, tmp_path: Path) -> None:
    fields = {"inputFile": str(tmp_path / "a.wav"), "realtime": False, "forSamples": 480}
    request = request_from(app, fields)
    assert (request.source, request.device) == ("import", None)
    assert (request.realtime, request.for_samples) == (False, 480)
    assert request_from(app, {"device": "USB"}).device == "USB"


@pytest.mark.parametrize("fields", [{"forSamples": "many"}, {"inputFile": 3}])
def test_a_request_that_makes_no_sense_is_refused(app: App, fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        request_from(app, fields)


def test_names_become_camel_case() -> None:
    assert camel("session_acked_samples") == "sessionAckedSamples"
    assert plain(Status())["capture"]["level"]["peakDbfs"] == -120.0
