"""A call fails while either side starts: it says so, or goes on, and the next start is sound."""

import sys
from collections import Counter

from scribe_desktop.model import now_ms
from tests.faults.drill import Drill, Outcome, Round, ViolatedError, must_hold
from tests.faults.drills.crash_points import (
    how_the_client_starts,
    how_the_server_starts,
    random_call,
)
from tests.faults.rig import START_LIMIT_S, Rig
from tests.faults.strace import Tracer, need_ptrace
from tests.parts.processes import PartFailedError
from tests.parts.server import TRACEBACK

ERRORS = ("EIO", "ENOSPC", "EMFILE")
MOST_TRIES = 10


def of_the_server(round_: Round) -> Outcome:
    """It starts all the same, or ends with a sentence; either way nothing is lost."""
    need_ptrace()
    rig = Rig(round_, rate=8)
    rig.start_feeder()
    seen = how_the_server_starts(rig)
    fired: Counter[str] = Counter()
    refused = tries = 0
    while fired.total() < round_.times:
        rig.server.kill()
        tracer = Tracer(round_.folder / "failing.trace", _anywhere(rig, seen))
        rig.server.python = tracer.starting()
        try:
            rig.server.start()
        except PartFailedError:
            refused += 1
        rig.server.python = [sys.executable]
        must_hold(TRACEBACK not in rig.server.log_text(), _with_log(tracer, rig))
        rig.pause_feeder()
        rig.server.kill()
        fired[tracer.names[0]] += bool(tracer.fired())
        rig.server.start()
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(now_ms())
        tries = _not_in_vain(tries, round_)
    return rig.ended(fired.total(), f"{_told(fired)}; {refused} starts ended with a sentence")


def of_the_client(round_: Round) -> Outcome:
    """It tries again by itself until it can promise and deliver."""
    need_ptrace()
    rig = Rig(round_)
    rig.start_feeder()
    seen = how_the_client_starts(rig)
    fired: Counter[str] = Counter()
    tries = 0
    while fired.total() < round_.times:
        tracer = Tracer(round_.folder / "failing.trace", _anywhere(rig, seen))
        began = now_ms()
        rig.launch_feeder(python=tracer.starting())
        rig.recovery_ms.append(rig.wait_for_ack(began, limit_s=START_LIMIT_S))
        rig.kill_feeder()
        fired[tracer.names[0]] += bool(tracer.fired())
        rig.check_promised()
        rig.check_acked()
        tries = _not_in_vain(tries, round_)
    return rig.ended(fired.total(), f"{_told(fired)}; recovery includes the start of the program")


def _anywhere(rig: Rig, seen: str) -> str:
    rng = rig.round.rng
    return random_call(seen, str(rig.round.folder), rng, f"error={rng.choice(ERRORS)}")


def _not_in_vain(tries: int, round_: Round) -> int:
    if tries > MOST_TRIES * round_.times:
        raise ViolatedError(f"it fired too seldom in {tries} starts")
    return tries + 1


def _with_log(tracer: Tracer, rig: Rig) -> str:
    lines = [line for line in tracer.text().splitlines() if "INJECTED" in line]
    return f"a traceback after {lines}:\n{rig.server.log_text()[-4000:]}"


def _told(fired: Counter[str]) -> str:
    return "failed: " + ", ".join(f"{name} ({count})" for name, count in sorted(fired.items()))


DRILLS = [
    Drill(
        "failing-start-server",
        "System calls",
        "a system call fails (EIO, ENOSPC or EMFILE) while the server starts",
        50,
        of_the_server,
        takes_s=8,
    ),
    Drill(
        "failing-start-client",
        "System calls",
        "a system call fails (EIO, ENOSPC or EMFILE) while the client starts",
        50,
        of_the_client,
        takes_s=8,
    ),
]
