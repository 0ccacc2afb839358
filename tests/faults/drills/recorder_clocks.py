"""The wall clock jumps, or the computer sleeps, while sound is recorded by the real program.

The timeline must go with the samples, and everything that tells a length of time with time itself.
"""

import time
from pathlib import Path

from scribe_desktop.model import SAMPLE_RATE, GapReason
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.recording import RealRecorder
from tests.faults.wall import DAY_S, HOUR_S, WallClock
from tests.parts.capture import tone
from tests.parts.processes import wait_until
from tests.parts.proof import Delivered
from tests.parts.server import ServerProcess
from tests.parts.sound import write_wav

JUMPS_S = (-DAY_S, 400 * DAY_S, HOUR_S, -HOUR_S)
SLEEP_S = 8 * HOUR_S
TOLERANCE_MS = 1_000
NEAR_MS = 10_000
MOST_SOUND_S = 90


def music(folder: Path) -> Path:
    """A file that is longer than any of these recordings."""
    return write_wav(folder / "music.wav", tone(MOST_SOUND_S * SAMPLE_RATE)[:, 0])


def begin(round_: Round, clock: WallClock) -> RealRecorder:
    """A server with the right time, and a recorder with the clock."""
    server = ServerProcess(round_.folder / "server")
    round_.cleanup.enter_context(server)
    sound = str(music(round_.folder))
    return RealRecorder(
        round_, server, "--input", sound, "--speed", "realtime", python=clock.python
    )


def prove(recorder: RealRecorder, clock: WallClock) -> None:
    """A marker bears the time at which the recorder believes that it was set."""
    label = f"at {clock.offset_s}"
    recorder.ask("marker", label=label)

    def is_there() -> bool:
        _, markers = recorder.labels()
        return any(
            marker.label == label and abs(marker.created_at - clock.now_ms) < NEAR_MS
            for marker in markers
        )

    wait_until(is_there, timeout_s=20, what="a marker with the time after the jump")


def check_times(delivered: Delivered, real_ms: int) -> None:
    """The session lasts as long as it really did, and each part begins where its samples are.

    Args:
        delivered: the session.
        real_ms: how long it really lasted, cuts included.
    """
    session = delivered.session
    assert session.ended_at is not None
    lasted = session.ended_at - session.started_at
    must_hold(abs(lasted - real_ms) < TOLERANCE_MS, f"it lasted {real_ms} ms and says {lasted}")
    for chunk in delivered.chunks:
        at_ms = chunk.started_at - session.started_at
        sound_ms = chunk.first_sample * 1000 // SAMPLE_RATE
        must_hold(sound_ms - 1 <= at_ms <= real_ms, f"{chunk} begins {at_ms} ms after the session")


def the_clock_jumps(round_: Round) -> Outcome:
    """It jumps while sound is recorded, and in a pause: neither is a gap, a pause stays as long."""
    clock = WallClock(round_.folder / "clock", round_.cleanup)
    recorder = begin(round_, clock)
    began = time.monotonic() - recorder.samples / SAMPLE_RATE
    pauses_ms: list[int] = []
    for number in range(round_.times):
        jump = JUMPS_S[number // 2 % len(JUMPS_S)]
        if number % 2 == 0:
            clock.jump(jump)
            prove(recorder, clock)
            recorder.record(0.6)
            continue
        recorder.ask("pause")
        recorder.wait_for("paused")
        paused = time.monotonic()
        clock.jump(JUMPS_S[(number // 2 + 1) % len(JUMPS_S)])
        time.sleep(0.5)
        recorder.ask("resume")
        recorder.wait_for("recording")
        pauses_ms.append(int((time.monotonic() - paused) * 1000))
        prove(recorder, clock)
    recorder.record(0.3)
    real_ms = int((time.monotonic() - began) * 1000)
    delivered = recorder.ended()
    gaps, _ = recorder.labels()
    must_hold([gap.reason for gap in gaps] == [GapReason.PAUSE] * len(pauses_ms), f"{gaps}")
    for gap, real in zip(gaps, pauses_ms, strict=True):
        must_hold(
            gap.samples == 0 and abs(gap.wall_ms - real) < TOLERANCE_MS,
            f"a pause of {real} ms became {gap}",
        )
    sound_ms = delivered.session.total_samples * 1000 // SAMPLE_RATE
    must_hold(
        abs(sound_ms + sum(pauses_ms) - real_ms) < TOLERANCE_MS,
        f"{sound_ms} ms of sound and {pauses_ms} ms of pauses in {real_ms} ms",
    )
    check_times(delivered, real_ms)
    return Outcome(round_.times, len(delivered.chunks), note="every second time in a pause")


def the_computer_sleeps(round_: Round) -> Outcome:
    """For eight hours each time: the recording pauses, and the gap says for how long."""
    clock = WallClock(round_.folder / "clock", round_.cleanup)
    recorder = begin(round_, clock)
    began = time.monotonic() - recorder.samples / SAMPLE_RATE
    for _ in range(round_.times):
        recorder.record(0.5)
        clock.sleep(SLEEP_S)
        recorder.wait_for("paused", "suspended")
        recorder.ask("resume")
        recorder.wait_for("recording")
        prove(recorder, clock)
    recorder.record(0.5)
    real_ms = int((time.monotonic() - began + round_.times * SLEEP_S) * 1000)
    delivered = recorder.ended()
    gaps, _ = recorder.labels()
    must_hold([gap.reason for gap in gaps] == [GapReason.SLEEP] * round_.times, f"{gaps}")
    for gap in gaps:
        must_hold(
            gap.samples == 0 and 0 <= gap.wall_ms - SLEEP_S * 1000 < TOLERANCE_MS,
            f"a sleep of {SLEEP_S} s became {gap}",
        )
    check_times(delivered, real_ms)
    return Outcome(round_.times, len(delivered.chunks))


DRILLS = [
    Drill("clock-recording", "Clocks", "the wall clock jumps while the recorder records or pauses",
          16, the_clock_jumps, takes_s=9),
    Drill("clock-recording-sleep", "Clocks", "the computer sleeps for 8 hours while it records",
          10, the_computer_sleeps, takes_s=9),
]  # fmt: skip
