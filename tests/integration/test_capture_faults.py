"""The microphone goes away in every way it can, and comes back, while a real recorder records."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from scribe_desktop.capture.recovery import recover_sessions
from scribe_desktop.library.export import export_session
from scribe_desktop.spool import Spool
from tests.parts.capture import SESSION_ID, decoded, one_encode, packets_in, tone
from tests.parts.recorder_process import RecorderProcess, Told
from tests.parts.virtual_microphone import VirtualMicrophone

pytestmark = [pytest.mark.real, pytest.mark.audio]

Fault = Callable[[VirtualMicrophone], None]
AWAY_S = 3
TOLERANCE = 24_000
"""Half a second: start and end of the outage are seen at the next block of 100 ms each, and the
end of the recording at the next poll."""


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    with VirtualMicrophone() as microphone:
        yield microphone


@pytest.fixture
def music(tmp_path: Path) -> Path:
    path = tmp_path / "music.wav"
    soundfile.write(path, tone(60 * 48_000), 48_000, subtype="PCM_16")
    return path


class Recorded:
    """What a recorder left in its spool."""

    def __init__(self, folder: Path) -> None:
        spool = Spool.open(folder / "spool")
        session = spool.session(SESSION_ID)
        assert session is not None
        self.session = session
        self.gaps = spool.gaps(SESSION_ID)
        self.packets: list[bytes] = []
        end = 0
        for chunk in spool.chunks(SESSION_ID):
            assert chunk.first_sample == end
            end += chunk.samples
            data = spool.chunk_data(SESSION_ID, chunk.sequence)
            assert len(decoded(data)) == chunk.samples
            self.packets += packets_in(data)[4 if chunk.sequence else 0 :]
        assert end == session.total_samples
        output = folder / "export.wav"
        assert export_session(spool, SESSION_ID, "wav", output) == end
        assert soundfile.info(output).frames == end
        spool.close()


def first_recording(told: list[Told]) -> float:
    return next(float(each["at"]) for each in told if each["state"] == "recording")


@pytest.mark.parametrize(
    ("fault", "remedy", "reason"),
    [
        (VirtualMicrophone.suspend, VirtualMicrophone.resume, "suspended"),
        (VirtualMicrophone.unplug, VirtualMicrophone.plug, "no-device"),
        (VirtualMicrophone.crash, VirtualMicrophone.restart, "no-device"),
    ],
    ids=["suspended and resumed", "unplugged and plugged in", "sound server killed"],
)
def test_the_recording_goes_on_and_its_length_stays_with_the_clock(
    microphone: VirtualMicrophone,
    music: Path,
    tmp_path: Path,
    fault: Fault,
    remedy: Fault,
    reason: str,
) -> None:
    with RecorderProcess(tmp_path, microphone.env) as recorder:
        microphone.play(music)
        recorder.record_until(2 * 48_000)
        fault(microphone)
        lost = recorder.wait_for(lambda told: told["reason"] == reason, what=reason)
        recorder.wait_for(lambda told: told["at"] > lost["at"] + AWAY_S, what="a while without")
        remedy(microphone)
        back = recorder.wait_for(lambda told: told["reason"] == "", what="the sound's return")
        microphone.play(music)
        recorder.record_until(back["samples"] + 3 * 48_000)
        began = first_recording(recorder.told)
        recorder.stop()
        ended = next(each["at"] for each in recorder.told if each["state"] == "finalising")

    recorded = Recorded(tmp_path)
    total = recorded.session.total_samples
    # The first block holds the 100 ms before it arrived.
    assert abs(total - (ended - began + 0.1) * 48_000) < TOLERANCE
    (gap,) = recorded.gaps
    assert gap.reason == reason
    assert gap.samples > AWAY_S * 48_000
    captured = soundfile.read(recorder.wav, dtype="int16", always_2d=True)[0]
    assert len(captured) == total
    assert not captured[gap.at_sample : gap.at_sample + gap.samples].any()
    assert np.abs(captured[: gap.at_sample].astype(int)).max() > 5_000
    assert np.abs(captured[gap.at_sample + gap.samples :].astype(int)).max() > 5_000
    assert recorded.packets == one_encode(captured)


def test_with_no_other_microphone_the_loudspeakers_are_not_recorded(
    microphone: VirtualMicrophone, music: Path, tmp_path: Path
) -> None:
    with RecorderProcess(tmp_path, microphone.env) as recorder:
        recorder.record_until(48_000)
        microphone.play_to_speakers(music)
        recorder.record_until(recorder.now["samples"] + 48_000)
        microphone.unplug()
        lost = recorder.wait_for(lambda told: told["reason"] == "no-device", what="no device")
        recorder.wait_for(lambda told: told["at"] > lost["at"] + 1, what="a while without")
        recorder.stop()

    captured = soundfile.read(recorder.wav, dtype="int16")[0]
    # The sound server moves the stream before it says so: a block may slip through, not more.
    assert np.count_nonzero(captured) <= 9_600
    assert [gap.reason for gap in Recorded(tmp_path).gaps] == ["no-device"]


def test_a_killed_recorder_loses_at_most_the_last_second(
    microphone: VirtualMicrophone, music: Path, tmp_path: Path
) -> None:
    with RecorderProcess(tmp_path, microphone.env) as recorder:
        microphone.play(music)
        captured = recorder.record_until(4 * 48_000)["samples"]
        recorder.kill()

    spool = Spool.open(tmp_path / "spool")
    assert recover_sessions(spool, tmp_path / "journal") == [SESSION_ID]
    spool.close()
    recorded = Recorded(tmp_path)
    assert recorded.session.recovered
    assert recorded.session.total_samples > captured - 48_000
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_pause_lets_go_of_the_microphone_and_is_cut_out(
    microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    with RecorderProcess(tmp_path, microphone.env) as recorder:
        recorder.record_until(48_000)
        recorder.send("pause")
        paused = recorder.wait_for(lambda told: told["state"] == "paused", what="the pause")
        streams = len(microphone.recordings().splitlines())
        recorder.wait_for(lambda told: told["at"] > paused["at"] + 1, what="a second of pause")
        recorder.send("resume")
        recorder.record_until(paused["samples"] + 48_000)
        assert len(microphone.recordings().splitlines()) == streams + 1
        recorder.stop()

    recorded = Recorded(tmp_path)
    (gap,) = recorded.gaps
    assert (gap.at_sample, gap.samples, gap.reason) == (paused["samples"], 0, "pause")
    assert gap.wall_ms >= 1_000
