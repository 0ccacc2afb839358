"""The microphone goes away in every way it can while the real program records it.

However it goes, the timeline stays with the clock, what never came is silence with a label of the
right length, and the sound before and after it is in its place.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from scribe_desktop.model import SAMPLE_RATE, Gap, GapReason
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.recording import RealRecorder
from tests.parts.capture import tone
from tests.parts.processes import Process, wait_until
from tests.parts.server import ServerProcess
from tests.parts.virtual_microphone import VirtualMicrophone

TOLERANCE_S = 1.0
LOUD = 5_000
FROZEN_S = 3.0
STATE_STOPPED = "T"


@dataclass
class Studio:
    """A microphone that hears music, and the real recorder that records it.

    Attributes:
        round: what the drill was given.
        microphone: the virtual one.
        recorder: runs.
        wav: every sample as it enters the encoder.
        began_s: when the first sample was (monotonic).
        outages_s: how long each outage was.
    """

    round: Round
    microphone: VirtualMicrophone
    recorder: RealRecorder
    music: Path
    wav: Path
    began_s: float
    outages_s: list[float] = field(default_factory=list)
    player: Process | None = None

    @property
    def away_s(self) -> float:
        """How long an outage lasts: short in a quick run."""
        return 1.0 if self.round.quick else self.round.rng.uniform(1.0, 6.0)

    def play(self, into: str = "scribe_mic_feed") -> None:
        """Let it hear music from now on."""
        self.stop_playing()
        self.player = self.microphone.play(self.music, into=into)

    def stop_playing(self) -> None:
        """Let it hear nothing."""
        if self.player is not None:
            self.player.kill()
            self.player = None

    def wait_for(self, reason: str) -> None:
        """Return when the recorder says so of its microphone."""
        self.recorder.wait_for("recording", reason)


def studio(round_: Round) -> Studio:
    """Everything, recording."""
    server = ServerProcess(round_.folder / "server")
    round_.cleanup.enter_context(server)
    microphone = round_.cleanup.enter_context(VirtualMicrophone())
    music = round_.folder / "music.wav"
    soundfile.write(music, tone(60 * SAMPLE_RATE), SAMPLE_RATE, subtype="PCM_16")
    player = microphone.play(music)
    wav = round_.folder / "captured.wav"
    recorder = RealRecorder(round_, server, "--save-wav", str(wav), env=microphone.env)
    recorder.wait_for("recording")
    began_s = time.monotonic() - recorder.samples / SAMPLE_RATE
    return Studio(round_, microphone, recorder, music, wav, began_s, player=player)


@dataclass(frozen=True)
class Recorded:
    """What came of it."""

    chunks: int
    captured: npt.NDArray[np.int16]
    gaps: list[Gap]


def finished(studio: Studio) -> Recorded:
    """Stop; check delivery and the length of the timeline."""
    studio.recorder.record(0.5)
    real_s = time.monotonic() - studio.began_s
    delivered = studio.recorder.ended()
    sound_s = delivered.session.total_samples / SAMPLE_RATE
    must_hold(
        abs(sound_s - real_s) < TOLERANCE_S, f"{real_s:.2f} s became {sound_s:.2f} s of sound"
    )
    gaps, _ = studio.recorder.labels()
    captured = soundfile.read(studio.wav, dtype="int16")[0]
    must_hold(len(captured) == delivered.session.total_samples, "the WAV has another length")
    for gap in gaps:
        silent = captured[gap.at_sample : gap.at_sample + gap.samples]
        must_hold(not silent.any(), f"something is to be heard in {gap}")
    return Recorded(len(delivered.chunks), captured, gaps)


def loud_around(recorded: Recorded, gap: Gap) -> None:
    """The music is there until the gap and from its end on."""
    before = recorded.captured[max(0, gap.at_sample - SAMPLE_RATE) : gap.at_sample]
    after = recorded.captured[gap.at_sample + gap.samples :][: 2 * SAMPLE_RATE]
    for name, sound in (("before", before), ("after", after)):
        peak = np.abs(sound.astype(int)).max(initial=0)
        must_hold(peak > LOUD, f"the peak {name} {gap} is {peak}")


Fault = Callable[[VirtualMicrophone], None]


def away(round_: Round, fault: Fault, remedy: Fault, reason: GapReason) -> Outcome:
    """It goes, and comes back; loudspeakers play meanwhile, which nobody wants recorded."""
    here = studio(round_)
    for _ in range(round_.times):
        here.play()
        here.recorder.record(0.8)
        gone = time.monotonic()
        fault(here.microphone)
        here.wait_for(reason)
        time.sleep(here.away_s)
        remedy(here.microphone)
        here.wait_for("")
        here.outages_s.append(time.monotonic() - gone)
    here.play()
    here.recorder.record(0.5)
    recorded = finished(here)
    gaps = [gap for gap in recorded.gaps if gap.samples and gap.reason == reason]
    must_hold(len(gaps) == round_.times, f"{round_.times} outages became {recorded.gaps}")
    for gap, real_s in zip(gaps, here.outages_s, strict=True):
        told_s = gap.samples / SAMPLE_RATE
        must_hold(abs(told_s - real_s) < TOLERANCE_S, f"{real_s:.2f} s away became {gap}")
        loud_around(recorded, gap)
    return Outcome(round_.times, recorded.chunks)


def unplugged(round_: Round) -> Outcome:
    """Pulled out and plugged in again."""
    return away(round_, VirtualMicrophone.unplug, VirtualMicrophone.plug, GapReason.NO_DEVICE)


def suspended(round_: Round) -> Outcome:
    """The system suspends it."""
    return away(round_, VirtualMicrophone.suspend, VirtualMicrophone.resume, GapReason.SUSPENDED)


def sound_server_killed(round_: Round) -> Outcome:
    """kill -9 of the sound server, then a new one."""
    return away(round_, VirtualMicrophone.crash, VirtualMicrophone.restart, GapReason.NO_DEVICE)


def sound_server_frozen(round_: Round) -> Outcome:
    """It is stopped for some seconds and goes on."""
    return away(round_, VirtualMicrophone.freeze, VirtualMicrophone.thaw, GapReason.NO_DEVICE)


def unplugged_while_the_loudspeakers_play(round_: Round) -> Outcome:
    """The sound server moves the stream to the loudspeakers' monitor: none of it is recorded."""
    here = studio(round_)
    for _ in range(round_.times):
        here.play()
        here.recorder.record(0.5)
        loudspeakers = here.microphone.play_to_speakers(here.music)
        here.stop_playing()
        here.microphone.unplug()
        here.wait_for(GapReason.NO_DEVICE)
        time.sleep(here.away_s)
        must_hold(loudspeakers.alive, "the loudspeakers were silent, so nothing was tried")
        loudspeakers.kill()
        here.microphone.plug()
        here.wait_for("")
    here.play()
    recorded = finished(here)
    gaps = [gap for gap in recorded.gaps if gap.reason == GapReason.NO_DEVICE and gap.samples]
    must_hold(len(gaps) == round_.times, f"{round_.times} outages became {recorded.gaps}")
    return Outcome(round_.times, recorded.chunks)


def default_switched(round_: Round) -> Outcome:
    """Another microphone becomes the default, and is what is heard from then on."""
    here = studio(round_)
    names = ("scribe_mic", "another_mic")
    here.microphone.plug(names[1])
    for number in range(round_.times):
        name = names[(number + 1) % 2]
        here.recorder.record(0.5)
        here.microphone.set_default(name)
        wait_until(
            lambda wanted=name: here.recorder.capture.get("device") == wanted,
            timeout_s=20,
            what=f"{name} as the microphone",
        )
        here.play(into=f"{name}_feed")
        here.recorder.record(0.8)
    recorded = finished(here)
    end = recorded.captured[-SAMPLE_RATE // 2 :].astype(int)
    must_hold(np.abs(end).max() > LOUD, "the other microphone is not to be heard")
    silent_s = sum(gap.samples for gap in recorded.gaps) / SAMPLE_RATE
    must_hold(silent_s < round_.times * TOLERANCE_S, f"switching cost {silent_s} s of sound")
    return Outcome(round_.times, recorded.chunks)


def silent(round_: Round) -> Outcome:
    """Nobody speaks: digital silence is sound, and no gap."""
    here = studio(round_)
    for _ in range(round_.times):
        here.play()
        here.recorder.record(0.5)
        here.stop_playing()
        here.recorder.record(here.away_s + 1)
        must_hold(here.recorder.capture.get("reason") == "", "silence is taken for a fault")
    here.play()
    recorded = finished(here)
    gaps = [gap for gap in recorded.gaps if gap.reason != GapReason.XRUN]
    must_hold(not gaps, f"silence became {gaps}")
    quiet_s = np.count_nonzero(recorded.captured == 0) / SAMPLE_RATE
    must_hold(quiet_s > round_.times * 0.5, f"it was silent for {quiet_s} s only")
    return Outcome(round_.times, recorded.chunks)


def recorder_stopped(round_: Round) -> Outcome:
    """The recorder gets no processor for three seconds: the timeline keeps its length."""
    here = studio(round_)
    for _ in range(round_.times):
        here.recorder.record(0.5)
        process = here.recorder.process
        process.signal(signal.SIGSTOP)
        stat = Path(f"/proc/{process.pid}/stat")
        wait_until(
            lambda state=stat: state.read_text().rsplit(")", 1)[1].split()[0] == STATE_STOPPED,
            timeout_s=5,
            what="the stop",
        )
        time.sleep(FROZEN_S)
        process.signal(signal.SIGCONT)
        # What went missing without a sign is known after two seconds of sound.
        here.recorder.record(4.5)
        here.play()
    recorded = finished(here)
    silent_s = sum(gap.samples for gap in recorded.gaps) / SAMPLE_RATE
    most_s = round_.times * (FROZEN_S + TOLERANCE_S)
    must_hold(silent_s < most_s, f"{silent_s} s are missing: {recorded.gaps}")
    return Outcome(round_.times, recorded.chunks, note=f"{silent_s:.1f} s did not come at all")


DRILLS = [
    Drill("mic-unplugged", "Microphone", "the microphone is unplugged and comes back",
          10, unplugged, takes_s=12),
    Drill("mic-suspended", "Microphone", "the system suspends the microphone",
          10, suspended, takes_s=12),
    Drill("mic-server-killed", "Microphone", "kill -9 of the sound server, then a new one",
          10, sound_server_killed, takes_s=12),
    Drill("mic-server-frozen", "Microphone", "the sound server is stopped for seconds",
          10, sound_server_frozen, takes_s=14),
    Drill("mic-loudspeakers", "Microphone", "the microphone is unplugged while loudspeakers play",
          10, unplugged_while_the_loudspeakers_play, takes_s=12),
    Drill("mic-default-switched", "Microphone", "another microphone becomes the default",
          10, default_switched, takes_s=12),
    Drill("mic-silent", "Microphone", "the microphone hears nothing at all",
          10, silent, takes_s=12),
    Drill("mic-recorder-stopped", "Microphone", "the recorder is stopped for 3 s",
          6, recorder_stopped, quick_times=1, takes_s=12),
]  # fmt: skip
