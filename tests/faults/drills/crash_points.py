"""Either side is killed exactly at a random system call, also while it starts or recovers."""

import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from scribe_desktop.model import now_ms
from tests.faults.drill import Drill, Outcome, Round, ViolatedError
from tests.faults.rig import Rig
from tests.faults.strace import Tracer, calls, need_ptrace
from tests.parts.processes import PartFailedError
from tests.parts.proof import paths_of

STARTING = "pwrite64,fdatasync,fsync,ftruncate,unlink,rename,fcntl,openat,pread64,fallocate"
"""What the two sides do to their disks as they start."""
PATIENCE_S = 6.0
"""For the call to come; the client moves its WAL into the database every few seconds."""
TRIES = 20


@dataclass(frozen=True)
class Place:
    """Calls to die at: of one name, on one file or on any, at most the so-manieth."""

    call: str
    most: int
    file: str = ""


SERVER = (
    Place("pwrite64", 200),
    Place("pwrite64", 40, "segments/00000001.seg"),
    Place("pwrite64", 8, "scribe.sqlite3"),
    Place("fdatasync", 60),
    Place("fdatasync", 1, "scribe.sqlite3"),
    Place("fcntl", 200),
    Place("openat", 60),
    Place("write", 60),
)
CLIENT = (
    Place("pwrite64", 400),
    Place("pwrite64", 200, "spool.sqlite3"),
    Place("fdatasync", 60),
    Place("fdatasync", 1, "spool.sqlite3"),
    Place("fcntl", 300),
    Place("pread64", 100),
    Place("sendto", 60),
    Place("recvfrom", 60),
)


def kill_the_server(round_: Round) -> Outcome:
    """Killed at a call of its work, then at one of its recovery; no ack is lost."""
    need_ptrace()
    rig = Rig(round_, rate=8)
    rig.start_feeder()
    died: Counter[str] = Counter()
    seen = how_the_server_starts(rig)
    while died.total() < round_.times:
        died[_killed_at_work(rig, rig.server.pid, SERVER, rig.server.data_dir)] += 1
        rig.server.kill()
        if died.total() < round_.times:
            died[_killed_as_it_starts(rig, seen, _try_to_start_the_server)] += 1
        rig.pause_feeder()
        rig.server.start()
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(now_ms())
    return rig.ended(died.total(), _told(died))


def kill_the_client(round_: Round) -> Outcome:
    """Killed at a call of its work, then at one of its start; no promise is lost."""
    need_ptrace()
    rig = Rig(round_)
    rig.start_feeder()
    died: Counter[str] = Counter()
    seen = how_the_client_starts(rig)
    while died.total() < round_.times:
        began = now_ms()
        rig.start_feeder()
        rig.recovery_ms.append(rig.wait_for_ack(began))
        died[_killed_at_work(rig, rig.feeder.pid, CLIENT, paths_of(rig.home).spool_dir)] += 1
        rig.kill_feeder()
        _check_dead_client(rig)
        if died.total() < round_.times:
            died[_killed_as_it_starts(rig, seen, _try_to_start_the_client)] += 1
            _check_dead_client(rig)
    return rig.ended(died.total(), _told(died) + "; recovery includes the start of the program")


def _check_dead_client(rig: Rig) -> None:
    rig.check_promised()
    rig.check_acked()


def _killed_at_work(rig: Rig, pid: int, places: tuple[Place, ...], folder: Path) -> str:
    for _ in range(TRIES):
        place = rig.round.rng.choice(places)
        if place.file and not (folder / place.file).exists():
            continue
        tracer = Tracer(
            rig.round.folder / "crash.trace",
            f"{place.call}:signal=KILL:when={rig.round.rng.randint(1, place.most)}",
            paths=[folder / place.file] if place.file else [],
        ).attach(pid, rig.round)
        found = tracer.wait_killed(PATIENCE_S)
        tracer.detach()
        if found:
            return f"{found} {place.file.rpartition('/')[2]}".strip()
    raise ViolatedError(f"no call came in {TRIES} times {PATIENCE_S} s")


def _killed_as_it_starts(
    rig: Rig, seen: str, start: Callable[[Rig, Tracer], Callable[[], None]]
) -> str:
    """Where this start has fewer of the calls than the one that was seen, its work has them."""
    for _ in range(TRIES):
        inject = random_call(seen, str(rig.round.folder), rig.round.rng)
        tracer = Tracer(rig.round.folder / "start.trace", inject)
        end = start(rig, tracer)
        try:
            found = tracer.wait_killed(PATIENCE_S)
        finally:
            end()
        if found:
            return f"{found} of the start"
    raise ViolatedError(f"no call came in {TRIES} starts")


def how_the_server_starts(rig: Rig) -> str:
    """The record of a start after a kill."""
    rig.server.kill()
    tracer = Tracer(rig.round.folder / "start.trace", trace=STARTING)
    rig.server.python = tracer.starting()
    rig.server.start()
    rig.server.kill()
    rig.server.python = [sys.executable]
    rig.server.start()
    return tracer.text()


def _try_to_start_the_server(rig: Rig, tracer: Tracer) -> Callable[[], None]:
    rig.server.python = tracer.starting()
    with suppress(PartFailedError):  # what is wanted
        rig.server.start()
    rig.server.python = [sys.executable]
    return rig.server.kill


def how_the_client_starts(rig: Rig) -> str:
    """The record of its start after a kill."""
    rig.kill_feeder()
    began = now_ms()
    tracer = Tracer(rig.round.folder / "start.trace", trace=STARTING)
    rig.launch_feeder(python=tracer.starting())
    rig.wait_for_ack(began)
    rig.kill_feeder()
    return tracer.text()


def _try_to_start_the_client(rig: Rig, tracer: Tracer) -> Callable[[], None]:
    rig.launch_feeder(python=tracer.starting())
    return rig.kill_feeder


def random_call(record: str, folder: str, rng: Random, fault: str = "signal=KILL") -> str:
    """An injection at a random call, each name as likely as another. Pure.

    Args:
        record: a start as strace tells it.
        folder: only calls after the first that names it count: before, Python is loading.
        rng: chance.
        fault: what happens there, as strace names it.
    """
    reached: Counter[tuple[int, str]] = Counter()
    choice: dict[str, list[int]] = defaultdict(list)
    began = False
    for call in calls(record):
        reached[call.thread, call.name] += 1
        began = began or folder in call.arguments
        if began:
            choice[call.name].append(reached[call.thread, call.name])
    name = rng.choice(sorted(choice))
    return f"{name}:{fault}:when={rng.choice(choice[name])}"


def _told(died: Counter[str]) -> str:
    return "killed at " + ", ".join(f"{name} ({count})" for name, count in sorted(died.items()))


DRILLS = [
    Drill(
        "crash-server-call",
        "System calls",
        "kill -9 of the server exactly at a system call of its work, start or recovery",
        100,
        kill_the_server,
        takes_s=8,
        limit_s=1800,
    ),
    Drill(
        "crash-client-call",
        "System calls",
        "kill -9 of the client exactly at a system call of its work or start",
        100,
        kill_the_client,
        takes_s=8,
        limit_s=1800,
    ),
]
