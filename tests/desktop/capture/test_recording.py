from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from scribe_desktop.capture.inputs import Event, Silence, Sound
from scribe_desktop.capture.journal import Journal
from scribe_desktop.capture.recording import (
    Mark,
    Pause,
    Recording,
    Resume,
    Stop,
    asleep_s,
    reason_of,
)
from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.capture.wav import WavWriter
from scribe_desktop.capture.writer import SessionWriter
from scribe_desktop.errors import AudioError, SpoolError
from scribe_desktop.model import (
    CaptureReason,
    CaptureState,
    CaptureStatus,
    Gap,
    GapReason,
    Marker,
)
from scribe_desktop.spool import FailureKind, SpoolFailureError
from tests.parts.capture import SESSION_ID, FakeSpool, new_session, tone


class Desk:
    """A recording whose input follows a script: each poll runs the next step."""

    def __init__(self, folder: Path, **wishes: Any) -> None:
        self.name = "scribe_mic"
        self.reason = CaptureReason.NONE
        self.ended = False
        self.wait_s = 0.0
        self.silent_s = 0.0
        self.now = 50.0
        self.slept = 0.0
        self.clock_set_by = 0.0
        self.steps: deque[Any] = deque()
        self.last: list[Event] = []
        self.opened = 1
        self.told: list[CaptureStatus] = []
        self.spool = FakeSpool()
        self.wav_path = folder / "x.wav"
        request = RecordingRequest(session_id=SESSION_ID, title="Call", **wishes)
        self.writer = SessionWriter(
            self.spool,
            Journal(folder / "x.journal"),
            new_session(),
            on_spooled=lambda _id: None,
        )
        self.recording = Recording(
            request,
            self,
            self.writer,
            wav=WavWriter(self.wav_path, channels=1),
            publish=self.told.append,
            clock=lambda: round((self.now + self.clock_set_by) * 1000),
            monotonic=lambda: self.now,
            asleep=lambda: self.slept,
        )

    def open(self) -> None:
        raise AssertionError("it is open when the recording begins")

    def poll(self) -> list[Event]:
        self.now += 0.1
        step = self.steps.popleft() if self.steps else Stop()
        if isinstance(step, Sound | Silence):
            return [step]
        if isinstance(step, AudioError):
            raise step
        if callable(step):
            step()
        else:
            self.recording.send(step)
        return []

    def pause(self) -> list[Event]:
        self.opened -= 1
        last, self.last = self.last, []
        return last

    def resume(self) -> None:
        self.opened += 1

    def close(self) -> None:
        self.opened = 0

    def run(self, *steps: Any) -> None:
        self.steps.extend(steps)
        self.recording.run()
        assert self.opened == 0

    def resume_at(self, seconds_later: float) -> None:
        """While paused nobody polls: the pause ends as its status is told."""
        self._when_paused(Resume(), seconds_later)

    def stop_when_paused(self) -> None:
        self._when_paused(Stop(), 0.0)

    def _when_paused(self, command: Resume | Stop, seconds_later: float) -> None:
        def publish(status: CaptureStatus) -> None:
            self.told.append(status)
            if status.state is CaptureState.PAUSED:
                self.now += seconds_later
                self.recording.send(command)

        self.recording._publish = publish

    @property
    def samples(self) -> int:
        return sum(chunk.samples for chunk in self.spool.chunks)

    @property
    def states(self) -> list[CaptureState]:
        seen = [status.state for status in self.told]
        return [state for index, state in enumerate(seen) if index == 0 or seen[index - 1] != state]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def sound(samples: int = 4_800) -> Sound:
    return Sound(tone(samples))


def test_it_says_recording_only_once_samples_arrive(desk: Desk) -> None:
    desk.run(lambda: None, lambda: None, sound(), sound())
    assert desk.states == [
        CaptureState.STARTING,
        CaptureState.RECORDING,
        CaptureState.FINALISING,
    ]
    first = next(status for status in desk.told if status.state is CaptureState.RECORDING)
    assert all(status.samples == 0 for status in desk.told[: desk.told.index(first)])
    assert desk.samples == 9_600
    assert desk.spool.ended_at == round(desk.now * 1000)


def test_the_status_carries_device_title_length_and_level(desk: Desk) -> None:
    desk.run(sound(), sound(), sound())
    status = desk.told[-1]
    assert (status.device, status.title, status.session_id) == ("scribe_mic", "Call", SESSION_ID)
    assert status.samples == 14_400
    assert -13 < status.level.peak_dbfs < -10
    assert -16 < status.level.rms_dbfs < -13


def test_a_pause_lets_go_of_the_microphone_and_is_labelled_with_its_length(desk: Desk) -> None:
    desk.last = [sound(100)]
    desk.resume_at(30.0)
    desk.run(sound(), Pause(), sound(), sound())
    assert desk.states == [
        CaptureState.STARTING,
        CaptureState.RECORDING,
        CaptureState.PAUSED,
        CaptureState.STARTING,
        CaptureState.RECORDING,
        CaptureState.FINALISING,
    ]
    assert desk.spool.gaps == [Gap(4_900, 0, "pause", 30_100)]
    assert desk.samples == 4_800 + 100 + 2 * 4_800
    assert desk.spool.paused == [True, False]


def test_stopping_while_paused_keeps_everything(desk: Desk) -> None:
    desk.stop_when_paused()
    desk.run(sound(), Pause())
    assert desk.samples == 4_800
    assert [gap.reason for gap in desk.spool.gaps] == ["pause"]


def test_pausing_twice_and_resuming_what_is_not_paused_change_nothing(desk: Desk) -> None:
    desk.resume_at(1.0)
    desk.run(sound(), Resume(), Pause(), sound(), sound())
    assert len(desk.spool.gaps) == 1


def test_a_marker_is_set_at_the_present_sample(desk: Desk) -> None:
    desk.run(sound(), Mark("decision"), sound())
    (marker,) = desk.spool.markers
    assert (marker.at_sample, marker.label) == (4_800, "decision")
    assert isinstance(marker, Marker)


@pytest.mark.parametrize("wanted", [1_000, 4_800, 9_601])
def test_it_stops_by_itself_after_exactly_the_wanted_samples(tmp_path: Path, wanted: int) -> None:
    desk = Desk(tmp_path, for_samples=wanted)
    desk.run(*[sound()] * 5)
    assert desk.samples == soundfile.info(desk.wav_path).frames == wanted


def test_the_wav_holds_what_was_captured_silence_included(desk: Desk) -> None:
    desk.run(sound(), Silence(100_000, GapReason.NO_DEVICE), sound())
    heard = soundfile.read(desk.wav_path, dtype="int16", always_2d=True)[0]
    silence = np.zeros((100_000, 1), np.int16)
    assert np.array_equal(heard, np.concatenate([tone(4_800), silence, tone(4_800)]))
    assert desk.spool.gaps == [Gap(4_800, 100_000, "no-device", 2_083)]


def test_a_loss_of_unknown_length_is_a_mark(desk: Desk) -> None:
    desk.run(sound(), Silence(0, GapReason.XRUN), sound())
    assert desk.spool.gaps == [Gap(4_800, 0, "xrun", 0)]


def test_a_lost_device_is_recording_with_a_reason(desk: Desk) -> None:
    def lose() -> None:
        desk.reason = CaptureReason.NO_DEVICE

    desk.run(sound(), lose, Silence(4_800, GapReason.NO_DEVICE), lambda: None)
    assert CaptureReason.NO_DEVICE in {
        status.reason for status in desk.told if status.state is CaptureState.RECORDING
    }


def test_after_ten_minutes_without_a_device_it_pauses_itself(desk: Desk) -> None:
    def long_silence() -> None:
        desk.silent_s = 600.0

    desk.stop_when_paused()
    desk.run(sound(), long_silence)
    paused = next(status for status in desk.told if status.state is CaptureState.PAUSED)
    assert paused.reason is CaptureReason.DEVICE_TIMEOUT


def test_a_computer_that_slept_finds_its_recording_paused(desk: Desk) -> None:
    def sleep() -> None:
        desk.slept = 3_600.0

    desk.resume_at(5.0)
    desk.run(sound(), sleep, sound(), sound())
    (gap,) = desk.spool.gaps
    assert (gap.at_sample, gap.samples, gap.reason) == (4_800, 0, "sleep")
    assert gap.wall_ms == 3_600_000 + 5_000 + 100
    assert desk.spool.ended_at == round((desk.now + 3_600) * 1000)
    paused = next(status for status in desk.told if status.state is CaptureState.PAUSED)
    assert paused.reason is CaptureReason.SUSPENDED


def test_a_clock_that_is_set_meanwhile_changes_no_length(desk: Desk) -> None:
    def set_clock() -> None:
        desk.clock_set_by = 400 * 86_400.0

    desk.resume_at(5.0)
    desk.run(sound(), Pause(), sound(), set_clock, sound())
    assert desk.spool.gaps == [Gap(4_800, 0, "pause", 5_100)]
    assert desk.spool.ended_at == round(desk.now * 1000)


def test_a_clock_that_is_set_in_a_pause_does_not_lengthen_it(desk: Desk) -> None:
    desk.resume_at(5.0)
    told = desk.recording._publish

    def publish(status: CaptureStatus) -> None:
        told(status)
        if status.state is CaptureState.PAUSED:
            desk.clock_set_by = -86_400.0

    desk.recording._publish = publish
    desk.run(sound(), Pause(), sound())
    assert desk.spool.gaps == [Gap(4_800, 0, "pause", 5_100)]
    assert desk.spool.ended_at == round(desk.now * 1000)


def test_a_file_that_breaks_off_keeps_what_came_before_and_says_why(desk: Desk) -> None:
    desk.run(sound(), AudioError("The file cannot be read", "It is damaged here."))
    assert desk.samples == 4_800
    assert desk.recording.failure is not None
    assert "damaged here" in desk.recording.failure.message


def test_a_full_wav_does_not_end_the_recording(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_block: object) -> None:
        raise AudioError("The WAV file cannot be written", "The disk is full.")

    assert desk.recording._wav is not None
    monkeypatch.setattr(desk.recording._wav, "write", full)
    desk.run(sound(), sound())
    assert desk.samples == 9_600
    assert desk.recording.failure is not None


def test_trouble_with_the_disk_is_told_while_it_lasts(desk: Desk) -> None:
    desk.spool.failing = 6
    desk.run(sound(), Mark("one"), *[sound()] * 60)
    reasons = [status.reason for status in desk.told]
    assert CaptureReason.FAILED in reasons
    assert reasons[-1] is CaptureReason.NONE
    assert desk.samples == 61 * 4_800


def test_a_disk_that_stays_full_ends_the_recording(desk: Desk) -> None:
    desk.spool.failing = 10_000
    desk.steps.extend([sound()] * 3)
    with pytest.raises(SpoolError):
        desk.recording.run()
    desk.writer.abandon()
    assert desk.opened == 0


def test_reasons_tell_a_full_disk_and_a_failing_spool_from_the_rest() -> None:
    full = SpoolFailureError(FailureKind.DISK_FULL, "No room.")
    assert reason_of(full) is CaptureReason.DISK_FULL
    assert reason_of(SpoolFailureError(FailureKind.IO, "EIO.")) is CaptureReason.SPOOL
    assert reason_of(SpoolFailureError(FailureKind.LOCKED, "Busy.")) is CaptureReason.FAILED
    assert reason_of(AudioError("a", "b")) is CaptureReason.FAILED


def test_time_asleep_does_not_shrink() -> None:
    first = asleep_s()
    assert asleep_s() >= first - 0.01
