import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from scribe_desktop.app import App
from scribe_desktop.app.app import default_title
from scribe_desktop.config import Settings
from scribe_desktop.control import call, is_listening
from scribe_desktop.errors import (
    AlreadyRecordingError,
    AudioError,
    OnlyHereError,
    ScribeError,
    SpoolError,
)
from scribe_desktop.model import CaptureReason, CaptureState
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from scribe_desktop.spool.quarantine import FILE_NAME
from tests.parts.damaging import overwrite_page, root_page
from tests.parts.fake_app_parts import Made, make_app, paths_in
from tests.parts.filled_spool import add_session, new_session, session_id_of, spool_in
from tests.parts.processes import wait_until

ONE = session_id_of(1)


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def app(tmp_path: Path, made: Made) -> Iterator[App]:
    running = make_app(tmp_path, made)
    running.start()
    yield running
    running.stop()


def test_starting_and_stopping_twice_is_as_once(app: App, made: Made) -> None:
    app.start()
    app.stop()
    app.stop()
    assert len(made.recorders) == 1
    assert made.sync.calls.count("stop") == 1


def test_a_second_owner_is_refused_until_the_first_has_stopped(app: App, tmp_path: Path) -> None:
    other = make_app(tmp_path, Made())
    with pytest.raises(SpoolError, match="already open"):
        other.start()
    app.stop()
    other.start()
    assert is_listening(other.paths.control_socket)
    other.stop()


def test_the_microphone_stops_before_sync_does(app: App, made: Made) -> None:
    app.start_recording()
    order: list[str] = []
    made.recorder.calls = order
    made.sync.calls = order
    app.stop()
    assert order.index("stop") < order.index("wait") < len(order) - 1
    assert order[-1] == "stop"
    assert [session.ended_at for session in app.sessions()] == [40_000]


def test_a_recording_shows_in_status_and_list(app: App) -> None:
    session_id = app.start_recording()
    assert app.status.capture.state is CaptureState.RECORDING
    wait_until(lambda: app.status.session_chunks == 1, timeout_s=10, what="the count")
    assert [session.session_id for session in app.sessions()] == [session_id]
    assert len(app.chunks(session_id)) == 1


def test_a_spooled_chunk_and_an_ended_recording_wake_sync(app: App, made: Made) -> None:
    app.start_recording()
    assert made.sync.calls.count("wake") == 1
    app.stop_recording()
    assert made.sync.calls.count("wake") == 2


def test_recording_while_recording_is_refused(app: App) -> None:
    app.start_recording()
    with pytest.raises(AlreadyRecordingError):
        app.start_recording()


def test_what_the_recorder_refuses_arrives(app: App, made: Made) -> None:
    made.recorder.refuses = AudioError("No microphone", "There is none.")
    with pytest.raises(AudioError):
        app.start_recording()


def test_toggling_starts_and_stops(app: App, made: Made) -> None:
    app.toggle_recording()
    assert app.capture.state is CaptureState.RECORDING
    app.toggle_recording()
    assert app.capture.state is CaptureState.IDLE


def test_pause_resume_and_markers_reach_the_recorder(app: App, made: Made) -> None:
    app.start_recording()
    app.pause_recording()
    app.resume_recording()
    app.add_marker("here")
    assert made.recorder.calls == ["start", "pause", "resume", "marker here"]


def test_a_recording_is_made_as_the_settings_say(tmp_path: Path, made: Made) -> None:
    settings = Settings(device="USB", bitrate=64_000, channels=2)
    request = make_app(tmp_path, made, settings=settings).new_request("Title")
    assert (request.device, request.bitrate, request.channels) == ("USB", 64_000, 2)
    assert request.title == "Title"


def test_sending_can_be_asked_for_and_held_back(app: App, made: Made) -> None:
    app.send_now()
    app.set_sync_paused(True)
    assert made.sync.calls == ["start", "send_now", "paused True"]


def test_an_open_session_of_a_crash_is_recovered(tmp_path: Path, made: Made) -> None:
    with closing(spool_in(paths_in(tmp_path).spool_dir)) as spool:
        add_session(spool, ONE, chunks=2, ended=False)
    app = make_app(tmp_path, made)
    app.start()
    app.stop()
    assert app.storage.recovered == [ONE]
    assert [(s.recovered, s.ended_at is not None) for s in app.sessions()] == [(True, True)]


def test_a_failed_recovery_does_not_prevent_recording(
    tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> list[str]:
        raise SpoolError("Full", "There is no room.")

    monkeypatch.setattr("scribe_desktop.capture.recovery.recover_sessions", refuse)
    app = make_app(tmp_path, made)
    app.start()
    assert app.storage.recovery_failure is not None
    assert app.start_recording()
    app.stop()


def test_a_damaged_spool_is_put_aside_and_recording_goes_on(tmp_path: Path, made: Made) -> None:
    folder = paths_in(tmp_path).spool_dir
    folder.mkdir(parents=True)
    (folder / "spool.sqlite3").write_bytes(b"no database" * 1000)
    app = make_app(tmp_path, made)
    app.start()
    assert app.storage.quarantined is not None
    assert app.start_recording()
    app.stop()


def test_what_a_damaged_spool_still_holds_is_there_after_the_start(
    tmp_path: Path, made: Made
) -> None:
    first = make_app(tmp_path, made)
    first.start()
    session_id = first.start_recording()
    first.stop()
    file = first.paths.spool_dir / FILE_NAME
    overwrite_page(file, root_page(file, "chunks_unsent"))

    app = make_app(tmp_path, made)
    app.start()

    assert app.storage.quarantined is not None
    assert [session.session_id for session in app.sessions()] == [session_id]
    assert [found.parts for found in app.storage.salvaged] == [len(app.chunks(session_id))] == [1]
    assert made.syncs[0].device_id == made.syncs[1].device_id
    told = call(app.paths.control_socket, {"command": "status"})["salvaged"]
    assert str(app.storage.quarantined) in told[0]
    app.stop()


def test_a_salvage_that_the_disk_refuses_does_not_prevent_the_start(
    tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Spool) -> list[object]:
        raise SpoolError("Full", "There is no room.")

    monkeypatch.setattr(Spool, "salvage_quarantined", refuse)
    app = make_app(tmp_path, made)
    app.start()
    assert app.storage.recovery_failure is not None
    assert app.start_recording()
    app.stop()


def test_a_copied_profile_gets_a_device_id_of_its_own(tmp_path: Path, made: Made) -> None:
    for machine in ("one", "one", "two"):
        app = make_app(tmp_path, made, machine_id=machine)
        app.start()
        app.stop()
    first, again, copied = (sync.device_id for sync in made.syncs)
    assert first == again != copied


def test_a_recording_can_be_renamed_and_deleted_but_not_while_it_runs(app: App, made: Made) -> None:
    session_id = app.start_recording()
    app.rename_session(session_id, "Better")
    assert app.sessions()[0].title == "Better"
    with pytest.raises(AlreadyRecordingError):
        app.delete_session(session_id)
    app.stop_recording()
    made.sync.deliver_all()
    made.sync.confirms = {session_id}
    app.delete_session(session_id)
    assert app.sessions() == []


def test_what_the_server_does_not_confirm_is_deleted_only_when_its_minutes_are_given_up(
    app: App, made: Made
) -> None:
    session_id = app.start_recording()
    app.stop_recording()
    made.sync.deliver_all()
    with pytest.raises(OnlyHereError, match=r"0\.5 minutes of “.*” may be nowhere else") as refused:
        app.delete_session(session_id)
    assert refused.value.lost_ms == 30_000
    with pytest.raises(OnlyHereError):
        app.delete_session(session_id, accepted_loss_ms=29_999)
    assert len(app.sessions()) == 1
    app.delete_session(session_id, accepted_loss_ms=30_000)
    assert app.sessions() == []


def test_parts_without_an_ack_are_told_though_the_server_answers(app: App, made: Made) -> None:
    session_id = app.start_recording()
    app.stop_recording()
    made.sync.confirms = {session_id}
    with pytest.raises(OnlyHereError, match=r"0\.5 minutes of “.*” are not on the server"):
        app.delete_session(session_id)


def test_deleting_what_is_not_there_is_fine(app: App) -> None:
    app.delete_session(ONE)
    assert app.sessions() == []


def test_signing_in_aims_at_the_server_and_signing_out_at_the_built_in_one(
    app: App, made: Made
) -> None:
    app.sign_in("https://scribe.example", "secret")
    wait_until(lambda: made.sync.targets[-1], timeout_s=10, what="the target")
    assert made.sync.targets[-1].token == "secret"
    app.sign_out("https://scribe.example")
    assert app.settings.server == "local"
    wait_until(lambda: len(made.servers) == 2, timeout_s=10, what="the built-in server")


def test_the_control_socket_answers_while_it_runs(app: App) -> None:
    session_id = call(app.paths.control_socket, {"command": "record"})["sessionId"]
    status = call(app.paths.control_socket, {"command": "status"})
    assert (status["capture"]["sessionId"], status["running"]) == (session_id, True)
    app.set_handler("raise", lambda _: {"raised": 1})
    assert call(app.paths.control_socket, {"command": "raise"})["raised"] == 1


def test_before_the_start_every_wish_says_that_it_is_too_early(tmp_path: Path) -> None:
    app = make_app(tmp_path, Made())
    assert app.capture.state is CaptureState.IDLE
    assert app.failure is None
    assert app.server_failure == ""
    for wish in (app.stop_recording, app.send_now):
        with pytest.raises(ScribeError, match="not ready"):
            wish()


def test_expired_audio_is_deleted_at_the_start(tmp_path: Path, made: Made) -> None:
    folder = paths_in(tmp_path).spool_dir
    with closing(spool_in(folder)) as spool:
        spool.create_session(new_session(ONE))
    app = make_app(tmp_path, made)
    app.start()

    def looked() -> bool:
        with closing(Spool.open_read_only(folder)) as spool:
            return spool.meta("library.seen_time") is not None

    wait_until(looked, timeout_s=10, what="the first look")
    app.stop()


def test_a_title_is_given_by_the_local_time() -> None:
    assert default_title(0).startswith(("Recording 1970-01-01", "Recording 1969-12-31"))


def test_the_engine_loads_no_qt() -> None:
    code = "import sys, json, scribe_desktop.app; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not [name for name in json.loads(done.stdout) if name.startswith("PySide6")]


def test_a_spool_that_fails_under_a_recording_is_changed(app: App, made: Made) -> None:
    session_id = app.start_recording()
    first = made.sync
    refused = replace(app.capture, reason=CaptureReason.SPOOL)
    made.recorder.say(refused)
    wait_until(lambda: len(made.syncs) == 2, timeout_s=10, what="another sync engine")
    assert made.recorder.calls == ["start", "release", "use"]
    assert first.calls[-1] == "stop"
    wait_until(lambda: "start" in made.sync.calls, timeout_s=10, what="its start")
    assert app.capture.session_id == session_id


def test_a_recording_that_the_spool_refuses_is_begun_in_another(app: App, made: Made) -> None:
    made.recorder.refuses = SpoolFailureError(FailureKind.IO, "It does not answer.")
    made.recorder.refuses_once = True
    assert app.start_recording()
    assert made.recorder.calls == ["release", "use", "start"]


def test_in_a_rescue_folder_the_bundled_server_stays_away(tmp_path: Path, made: Made) -> None:
    app = make_app(tmp_path, made, rescue_dirs=(tmp_path / "rescue",))
    (tmp_path / "data").write_text("no folder")
    app.start()
    session_id = app.start_recording()
    wait_until(lambda: made.sync.targets == [None], timeout_s=10, what="no target")
    assert made.servers == []
    told = call(app.paths.control_socket, {"command": "status"})
    assert str(tmp_path / "rescue") in told["storage"]
    assert told["folder"] == str(tmp_path / "rescue")
    app.stop()

    (tmp_path / "data").unlink()
    app.start()
    assert [session.session_id for session in app.sessions()] == [session_id]
    told = call(app.paths.control_socket, {"command": "status"})
    assert (told["storage"], len(told["takenOver"])) == ("", 1)
    app.stop()
