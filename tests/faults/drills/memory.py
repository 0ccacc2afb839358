"""Little memory: what a program holds stays bounded, and a kill by the kernel loses nothing."""

import subprocess
import sys
from collections.abc import Callable

import psutil

from scribe_desktop.model import now_ms
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.hammer import hammering
from tests.faults.limits import MemoryGroup
from tests.faults.rig import Rig
from tests.parts.processes import wait_until
from tests.parts.proof import rest

MIB = 1 << 20
ABOVE_NEED = 96 * MIB
"""How much a server may grow: a fifth of the limit may be unstored, and what clients sent is in
the network's buffers."""
BACKLOG_CHUNK = 300_000
SPARE = 24 * MIB
STEP = 4 * MIB
HUGE = 1 << 40


def hammered_server(round_: Round) -> Outcome:
    """Many clients that never stop sending: the server stays within a limit just above its need."""
    group = MemoryGroup(round_, "server")
    rig = Rig(round_, server_python=group.starting())
    need = memory_of(rig.server.pid)
    rig.server.stop()
    group.limit(need + ABOVE_NEED)
    rig.server.start()
    rig.start_feeder()
    sent = highest = 0
    for _ in range(round_.times):
        with hammering(rig.server.url, rig.server.token) as hammer:
            wanted = need + 2 * ABOVE_NEED
            while hammer.sent < wanted:
                must_hold(rig.server.alive, "it was killed")
                highest = max(highest, memory_of(rig.server.pid))
                rig.sleep(0.02, 0.05)
            rig.wait_for_ack(now_ms())
        sent += hammer.sent
        must_hold(rest(rig.server, "/readyz").status in {200, 503}, "it does not answer")
        rig.recovered(now_ms())
    must_hold(group.kills() == 0, f"{group.kills()} kills")
    note = f"{sent >> 20} MiB sent; it held {highest >> 20} of {need + ABOVE_NEED >> 20} MiB"
    return rig.ended(round_.times, note)


def client_with_a_backlog(round_: Round) -> Outcome:
    """The server is away and the backlog outgrows the client's memory, which stays bounded."""
    group = MemoryGroup(round_, "client")
    rig = Rig(round_, rate=150, size=BACKLOG_CHUNK, chunks=100, feeder_python=group.starting())
    rig.start_feeder()
    limit = memory_of(rig.feeder.pid) + SPARE
    group.limit(limit)
    backlog = 0
    for _ in range(round_.times):
        rig.server.kill()
        before = rig.promised()
        rig.wait_for_promises(
            (limit if not round_.quick else 2 * SPARE) // BACKLOG_CHUNK, limit_s=300
        )
        backlog += rig.promised() - before
        rig.pause_feeder()
        rig.server.start()
        rig.check_promised()
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(now_ms())
    must_hold(group.kills() == 0, f"{group.kills()} kills")
    note = f"a backlog of {backlog * BACKLOG_CHUNK >> 20} MiB under a limit of {limit >> 20} MiB"
    return rig.ended(round_.times, note)


def killed_server(round_: Round) -> Outcome:
    """Another program in its control group takes all memory, and the kernel kills the server."""
    group = MemoryGroup(round_, "server-oom")
    rig = Rig(round_, server_python=group.starting())
    rig.start_feeder()
    for _ in range(round_.times):
        _out_of_memory(group, rig.server.pid, lambda: rig.server.alive)
        rig.server.kill()
        rig.pause_feeder()
        rig.server.start()
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(now_ms())
    must_hold(group.kills() >= round_.times, "the kernel killed too few")
    return rig.ended(round_.times)


def killed_client(round_: Round) -> Outcome:
    """The same with the client."""
    group = MemoryGroup(round_, "client-oom")
    rig = Rig(round_, feeder_python=group.starting())
    for _ in range(round_.times):
        began = now_ms()
        rig.start_feeder()
        rig.recovery_ms.append(rig.wait_for_ack(began))
        feeder = rig.feeder
        _out_of_memory(group, feeder.pid, lambda: feeder.alive)  # noqa: B023
        rig.kill_feeder()
        rig.check_promised()
        rig.check_acked()
    must_hold(group.kills() >= round_.times, "the kernel killed too few")
    return rig.ended(round_.times, "recovery includes the start of the program")


_HOG = f"""
import sys
kept = []
for line in sys.stdin:
    kept.append(bytearray(b"x") * {STEP})
"""


def _out_of_memory(group: MemoryGroup, pid: int, alive: Callable[[], bool]) -> None:
    """Fill the group's memory until the kernel has killed the program with this pid."""
    before = group.kills()
    group.offer(pid)
    group.limit(memory_of(pid) + SPARE)
    words = group.starting([sys.executable, "-c", _HOG])
    hog = subprocess.Popen(words, stdin=subprocess.PIPE, text=True)
    try:
        assert hog.stdin is not None
        while group.kills() == before:
            hog.stdin.write("\n")
            hog.stdin.flush()
            wait_until(lambda: True, timeout_s=1, what="", every_s=0.01)
        wait_until(lambda: not alive(), timeout_s=20, what="the program to end", every_s=0.01)
    finally:
        hog.kill()
        hog.wait()
        group.limit(HUGE)


def memory_of(pid: int) -> int:
    """Resident bytes of a program."""
    return int(psutil.Process(pid).memory_info().rss)


DRILLS = [
    Drill(
        "memory-server",
        "Limits",
        "many clients that ignore can-accept, and a server with little memory",
        5,
        hammered_server,
        takes_s=8,
    ),
    Drill(
        "memory-client",
        "Limits",
        "a backlog larger than the memory of the client",
        5,
        client_with_a_backlog,
        takes_s=8,
    ),
    Drill("oom-server", "Limits", "the server is killed for want of memory", 20, killed_server),
    Drill("oom-client", "Limits", "the client is killed for want of memory", 20, killed_client),
]
