"""The wall clock goes wrong on one side, while chunks are on their way and while sound is recorded.

Seconds are counted by the monotonic clock here: the other one is what lies.
"""

import json
import time
from collections.abc import Callable

import msgspec

from scribe_desktop.model import Session
from scribe_server.protocol import Receipt
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.rig import RECOVERY_LIMIT_S, Rig
from tests.faults.wall import DAY_S, HOUR_S, WallClock
from tests.parts.desktop import Desktop
from tests.parts.processes import wait_until
from tests.parts.proof import spool_of

JUMPS_S = (-DAY_S, 400 * DAY_S, HOUR_S, -HOUR_S)
"""A day back, far ahead, and what a daylight-saving hour looks like when it is set by hand."""
NEAR_MS = 10_000
MORE = 5


def acked(rig: Rig) -> int:
    """How many chunks have an ack."""
    with spool_of(rig.home) as spool:
        return sum(session.acked_chunks for session in spool.sessions())


def goes_on(rig: Rig) -> None:
    """Note how long it takes from now until so many more chunks are acknowledged."""
    wanted, began = acked(rig) + MORE, time.monotonic()
    wait_until(
        lambda: acked(rig) >= wanted,
        timeout_s=RECOVERY_LIMIT_S,
        what=f"{MORE} more acknowledged chunks",
        every_s=0.02,
    )
    rig.recovery_ms.append(int((time.monotonic() - began) * 1000))


def wait_for_session(rig: Rig, holds: Callable[[Session], bool], what: str) -> None:
    """Return when the spool has a session that proves the clock's jump."""

    def found() -> bool:
        with spool_of(rig.home) as spool:
            return any(holds(session) for session in spool.sessions())

    wait_until(found, timeout_s=30, what=what)


def the_client_jumps(round_: Round) -> Outcome:
    """Sessions begin at the wrong time, some before those before them, and all arrive."""
    clock = WallClock(round_.folder / "clock", round_.cleanup)
    rig = Rig(round_, feeder_python=clock.python)
    rig.start_feeder()
    for number in range(round_.times):
        rig.sleep(0.2, 0.6)
        clock.jump(JUMPS_S[number % len(JUMPS_S)])
        wait_for_session(
            rig,
            lambda session: abs(session.started_at - clock.now_ms) < NEAR_MS,
            "a session that began after the jump",
        )
        goes_on(rig)
        rig.pause_feeder()
        rig.check_acked()
        rig.resume_feeder()
    return rig.ended(round_.times, "a session that began at the wrong time proves each jump")


def the_server_jumps(round_: Round) -> Outcome:
    """It signs with the wrong time and is started anew at that time: it deletes nothing."""
    clock = WallClock(round_.folder / "clock", round_.cleanup)
    rig = Rig(round_, server_python=clock.python)
    rig.start_feeder()
    for number in range(round_.times):
        rig.sleep(0.2, 0.6)
        clock.jump(JUMPS_S[number % len(JUMPS_S)])
        wait_until(
            lambda: _newest_receipt_ms(rig, clock.now_ms) is not None,
            timeout_s=30,
            what="a receipt that was signed after the jump",
        )
        rig.pause_feeder()
        rig.check_acked()
        rig.server.restart()
        rig.check_acked()
        rig.resume_feeder()
        goes_on(rig)
    return rig.ended(round_.times, "a receipt that was signed at the wrong time proves each jump")


def _newest_receipt_ms(rig: Rig, near_ms: int) -> int | None:
    """When a receipt was signed, if one was signed near that time."""
    with spool_of(rig.home) as spool:
        stored = [spool.receipt(each.session_id) for each in spool.sessions() if each.has_receipt]
    times = [
        msgspec.json.decode(each.receipt_json, type=Receipt).stored_at
        for each in stored
        if each is not None
    ]
    return next((at for at in times if abs(at - near_ms) < NEAR_MS), None)


def the_client_sleeps(round_: Round) -> Outcome:
    """The lid is closed for eight hours: stopped, the connection dies, the clock has gone on."""
    clock = WallClock(round_.folder / "clock", round_.cleanup)
    rig = Rig(round_, feeder_python=clock.python)
    rig.start_feeder()
    for _ in range(round_.times):
        rig.sleep(0.3, 1.0)
        rig.pause_feeder()
        before = acked(rig)
        rig.check_acked()
        clock.sleep(8 * HOUR_S)
        rig.server.restart()
        must_hold(acked(rig) == before, "it went on while it slept")
        rig.resume_feeder()
        goes_on(rig)
        wait_for_session(
            rig,
            lambda session: abs(session.started_at - clock.now_ms) < NEAR_MS,
            "a session that began after the sleep",
        )
    return rig.ended(round_.times, "the server was started anew meanwhile")


def nothing_grows_old(round_: Round) -> Outcome:
    """The real program is started with the clock far ahead: delivered sound stays on the computer.

    What may be deleted after 30 days has been delivered a moment ago; the spool's own note of the
    clock proves that the program has looked at it.
    """
    clock = WallClock(round_.folder / "clock", round_.cleanup)
    rig = Rig(round_)
    rig.start_feeder()
    rig.wait_for_promises(20)
    rig.kill_feeder()
    desktop = Desktop(rig.home, env={"SCRIBE_TOKEN": rig.server.token}, python=clock.python)
    look = ("sync", "--once", "--server", rig.server.url)
    desktop.run(*look)
    for number in range(round_.times):
        clock.jump((400 * DAY_S, -DAY_S, 30 * DAY_S, -300 * DAY_S)[number % 4])
        desktop.run(*look)
        with spool_of(rig.home) as spool:
            seen = json.loads(spool.meta("library.seen_time") or "[0]")
            gone = [each for each in spool.sessions() if each.audio_deleted_at is not None]
            proven = [each for each in spool.sessions() if each.has_receipt]
        must_hold(abs(seen[0] - clock.now_ms) < NEAR_MS, f"it did not look at the clock: {seen}")
        must_hold(not gone, f"deleted because of the clock: {gone}")
        must_hold(proven, "nothing was delivered, so nothing could have been deleted")
    return rig.ended(round_.times)


DRILLS = [
    Drill("clock-client", "Clocks", "the client's clock jumps (a day, 400 days, an hour)",
          20, the_client_jumps, takes_s=7),
    Drill("clock-server", "Clocks", "the server's clock jumps (a day, 400 days, an hour)",
          20, the_server_jumps, takes_s=9),
    Drill("clock-sleep", "Clocks", "the client sleeps for 8 hours, then the clock has jumped",
          20, the_client_sleeps, takes_s=8),
    Drill("clock-keep-local", "Clocks", "the program is started with a clock that is months wrong",
          12, nothing_grows_old, quick_times=1, takes_s=12),
]  # fmt: skip
