import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.capture.inputs import Event, Input, Sound
from scribe_desktop.capture.live import LiveInput
from scribe_desktop.capture.recorder import Recorder, input_for
from scribe_desktop.capture.recovery import recover_sessions
from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.errors import AlreadyRecordingError, AudioError, SpoolError
from scribe_desktop.model import CaptureReason, CaptureState, CaptureStatus
from scribe_desktop.spool import Spool
from tests.parts.capture import SESSION_ID, decoded, one_encode, packets_in, tone

NOW = 1_700_000_000_000


class ScriptedInput:
    """A microphone that delivers 100 ms whenever it is asked, until it breaks."""

    def __init__(self, breaks: Exception | None = None) -> None:
        self.name = "scribe_mic"
        self.reason = CaptureReason.NONE
        self.ended = False
        self.wait_s = 0.001
        self.silent_s = 0.0
        self.breaks = breaks
        self.polls = 0

    def open(self) -> None:
        pass

    def poll(self) -> list[Event]:
        self.polls += 1
        if self.breaks is not None and self.polls > 5:
            raise self.breaks
        return [Sound(tone(4_800))]

    def pause(self) -> list[Event]:
        return []

    def resume(self) -> None:
        pass

    def close(self) -> None:
        pass


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[CaptureStatus] = []
        self.spooled: list[str] = []
        self.changed = threading.Condition()

    def recorder(self, open_input: Callable[[RecordingRequest], Input] = input_for) -> Recorder:
        return Recorder(
            spool_folder=self.folder / "spool",
            journal_folder=self.folder / "journal",
            on_status=self._tell,
            on_spooled=self.spooled.append,
            clock=lambda: NOW,
            open_input=open_input,
        )

    def _tell(self, status: CaptureStatus) -> None:
        with self.changed:
            self.told.append(status)
            self.changed.notify_all()

    def wait_for(self, holds: Callable[[CaptureStatus], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: any(map(holds, self.told)), 20)

    def spool(self) -> Spool:
        return Spool.open(self.folder / "spool")

    def journals(self) -> list[Path]:
        return list((self.folder / "journal").iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "talk.wav", tone(200_017), 48_000, subtype="PCM_16")
    return tmp_path / "talk.wav"


def imported(path: Path, **wishes: object) -> RecordingRequest:
    fixed: dict[str, object] = {"source": "import", "input_file": path, "realtime": False}
    return RecordingRequest(session_id=SESSION_ID, title="Talk", **{**fixed, **wishes})  # type: ignore[arg-type] # keywords of mixed types


MICROPHONE = RecordingRequest(session_id=SESSION_ID, title="Call")


def test_an_imported_file_is_in_the_spool_sample_for_sample(desk: Desk, talk: Path) -> None:
    recorder = desk.recorder()
    wav = desk.folder / "copy.wav"
    recorder.start(imported(talk, save_wav=wav))
    assert recorder.wait(20)
    assert recorder.failure is None
    assert recorder.status == CaptureStatus()
    assert desk.spooled == [SESSION_ID]
    assert desk.journals() == []
    spool = desk.spool()
    session = spool.session(SESSION_ID)
    assert session is not None
    assert session.total_samples == 200_017
    assert (session.source, session.device) == ("import", "talk.wav")
    assert (session.started_at, session.recovered) == (NOW, False)
    assert session.ended_at is not None
    assert NOW <= session.ended_at < NOW + 20_000
    data = spool.chunk_data(SESSION_ID, 0)
    spool.close()
    assert packets_in(data) == one_encode(tone(200_017))
    assert len(decoded(data)) == 200_017
    assert np.array_equal(soundfile.read(wav, dtype="int16", always_2d=True)[0], tone(200_017))


def test_a_recorder_can_be_used_again(desk: Desk, talk: Path) -> None:
    recorder = desk.recorder()
    other = "1b1f5a3e-6c1d-4c5e-9f39-1d1f0a7c2b44"
    recorder.start(imported(talk))
    recorder.wait(20)
    request = RecordingRequest(
        session_id=other,
        title="Again",
        source="import",
        input_file=talk,
        for_samples=1_000,
        realtime=False,
    )
    recorder.start(request)
    recorder.wait(20)
    spool = desk.spool()
    totals = {session.session_id: session.total_samples for session in spool.sessions()}
    spool.close()
    assert totals == {SESSION_ID: 200_017, other: 1_000}


def test_only_one_recording_runs_at_a_time(desk: Desk) -> None:
    recorder = desk.recorder(lambda _request: ScriptedInput())
    recorder.start(MICROPHONE)
    with pytest.raises(AlreadyRecordingError):
        recorder.start(MICROPHONE)
    recorder.stop()
    assert recorder.wait(20)


def test_pause_resume_and_markers_reach_the_recording(desk: Desk) -> None:
    recorder = desk.recorder(lambda _request: ScriptedInput())
    recorder.start(MICROPHONE)
    desk.wait_for(lambda status: status.samples > 48_000)
    recorder.add_marker("here")
    recorder.pause()
    desk.wait_for(lambda status: status.state is CaptureState.PAUSED)
    assert not recorder.wait(0)
    paused_at = recorder.status.samples
    recorder.resume()
    desk.wait_for(lambda status: status.samples > paused_at)
    recorder.stop()
    assert recorder.wait(20)
    spool = desk.spool()
    assert [gap.reason for gap in spool.gaps(SESSION_ID)] == ["pause"]
    assert [marker.label for marker in spool.markers(SESSION_ID)] == ["here"]
    spool.close()


def test_commands_without_a_recording_do_nothing(desk: Desk) -> None:
    recorder = desk.recorder()
    recorder.pause()
    recorder.resume()
    recorder.add_marker("nowhere")
    recorder.stop()
    assert recorder.wait(0)
    assert desk.told == []


def test_a_source_that_cannot_be_opened_leaves_no_session(desk: Desk) -> None:
    recorder = desk.recorder()
    with pytest.raises(AudioError, match=r"none\.wav"):
        recorder.start(imported(desk.folder / "none.wav"))
    assert recorder.status.state is CaptureState.IDLE
    assert "none.wav" in recorder.status.error
    spool = desk.spool()
    assert spool.sessions() == []
    spool.close()


def test_a_wav_that_cannot_be_written_stops_before_anything_is_recorded(
    desk: Desk, talk: Path
) -> None:
    recorder = desk.recorder()
    with pytest.raises(AudioError, match="WAV"):
        recorder.start(imported(talk, save_wav=desk.folder / "none" / "x.wav"))
    spool = desk.spool()
    assert spool.sessions() == []
    spool.close()


def test_a_spool_that_cannot_be_opened_is_told_at_the_start(desk: Desk, talk: Path) -> None:
    (desk.folder / "spool").write_text("in the way")
    with pytest.raises(SpoolError):
        desk.recorder().start(imported(talk))


def test_a_source_that_breaks_leaves_a_complete_session_and_a_reason(desk: Desk) -> None:
    recorder = desk.recorder(lambda _request: ScriptedInput(AudioError("Gone", "It broke.")))
    recorder.start(MICROPHONE)
    assert recorder.wait(20)
    assert isinstance(recorder.failure, AudioError)
    assert (recorder.status.state, recorder.status.reason) == (
        CaptureState.IDLE,
        CaptureReason.FAILED,
    )
    spool = desk.spool()
    session = spool.session(SESSION_ID)
    spool.close()
    assert session is not None
    assert (session.total_samples, session.recovered) == (24_000, False)
    assert session.ended_at is not None


@pytest.mark.logs_errors
def test_something_unforeseen_leaves_the_session_to_recovery(desk: Desk) -> None:
    recorder = desk.recorder(lambda _request: ScriptedInput(RuntimeError("a bug")))
    recorder.start(MICROPHONE)
    assert recorder.wait(20)
    assert recorder.failure is not None
    assert "a bug" in recorder.failure.message
    spool = desk.spool()
    assert [session.session_id for session in spool.open_sessions()] == [SESSION_ID]
    assert recover_sessions(spool, desk.folder / "journal") == [SESSION_ID]
    session = spool.session(SESSION_ID)
    spool.close()
    assert session is not None
    assert (session.total_samples, session.recovered) == (25 * 960 - 312, True)


def test_a_request_without_a_file_means_the_microphone() -> None:
    assert isinstance(input_for(MICROPHONE), LiveInput)
