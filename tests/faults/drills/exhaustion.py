"""No descriptors left, and little memory: it goes on, or is killed, and nothing is lost."""

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from scribe_desktop.model import now_ms
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.limits import lower_descriptors, processor_share, restore_descriptors
from tests.faults.rig import Rig, open_descriptors
from tests.faults.strace import Tracer, need_ptrace
from tests.parts.processes import wait_until
from tests.parts.proof import rest, spool_of

FLOOD = 300
ROOM = 256
"""Descriptors of a server that is flooded: it lets in as many as leave it some for itself."""
BUSY = 0.8
"""More of a core than this is spinning: the work that is done meanwhile takes a tenth."""
OPENING = "socket,socketpair,openat,eventfd2,pipe2,accept4"
LIMITED_LINES = 200
"""A log that is not flooded has fewer new lines in some seconds."""


def flooded_server(round_: Round) -> Outcome:
    """More connections than descriptors: they are closed, and whoever was there is served on."""
    rig = Rig(round_, chunks=10)
    rig.start_feeder()
    refused = 0
    for _ in range(round_.times):
        lines = _log_lines(rig)
        lower_descriptors(rig.server.pid, ROOM - open_descriptors(rig.server.pid))
        with _connections(rig.server.port, FLOOD) as flood:
            closed = _closed(flood)
            must_hold(closed > 0, "nobody was refused")
            refused += closed
            before = _receipts(rig)
            rig.wait_for_ack(now_ms())
            wait_until(lambda: _receipts(rig) > before, timeout_s=30, what="a receipt")  # noqa: B023
            _goes_quietly(rig.server.pid)
        must_hold(_log_lines(rig) - lines < LIMITED_LINES, "the log is flooded")
        restore_descriptors(rig.server.pid)
        rig.recovered(now_ms())
        must_hold(rest(rig.server, "/readyz").status == 200, "it does not answer")
    return rig.ended(round_.times, f"{refused} connections refused")


def server_without_descriptors(round_: Round) -> Outcome:
    """Not one more descriptor: chunks are stored on; the rest waits and then goes on by itself."""
    need_ptrace()
    rig = Rig(round_, chunks=10)
    rig.start_feeder()
    refused = 0
    for number in range(round_.times):
        lines = _log_lines(rig)
        lower_descriptors(rig.server.pid, 0)
        record = round_.folder / f"{number}.trace"
        tracer = Tracer(record, trace=OPENING).attach(rig.server.pid, round_)
        with _connections(rig.server.port, 40):
            wait_until(lambda: _denied(record), timeout_s=30, what="a refused descriptor")  # noqa: B023
            rig.wait_for_ack(now_ms())
            tracer.detach()
            _goes_quietly(rig.server.pid)
            rig.wait_for_ack(now_ms())
        refused += _denied(record)
        must_hold(_log_lines(rig) - lines < LIMITED_LINES, "the log is flooded")
        rig.pause_feeder()
        restore_descriptors(rig.server.pid)
        rig.check_acked()
        rig.resume_feeder()
        rig.recovered(now_ms())
    return rig.ended(round_.times, f"{refused} descriptors refused")


def client_without_descriptors(round_: Round) -> Outcome:
    """The client cannot even open a socket: it promises on, and delivers when it can."""
    need_ptrace()
    rig = Rig(round_)
    rig.start_feeder()
    refused = 0
    for number in range(round_.times):
        connected = open_descriptors(rig.feeder.pid)
        rig.server.kill()
        wait_until(
            lambda: open_descriptors(rig.feeder.pid) < connected,  # noqa: B023
            timeout_s=30,
            what="the client to hang up",
            every_s=0.01,
        )
        lower_descriptors(rig.feeder.pid, 0)
        record = round_.folder / f"{number}.trace"
        tracer = Tracer(record, trace=OPENING)
        tracer.attach(rig.feeder.pid, round_)
        rig.server.start()
        wait_until(lambda: _denied(record), timeout_s=60, what="a refused descriptor")  # noqa: B023
        rig.wait_for_promises(20)
        _goes_quietly(rig.feeder.pid)
        tracer.detach()
        refused += _denied(record)
        rig.check_promised()
        restore_descriptors(rig.feeder.pid)
        rig.recovered(now_ms())
    return rig.ended(round_.times, f"{refused} descriptors refused")


def _denied(record: Path) -> int:
    return len(re.findall(r"= -1 EMFILE", record.read_text()))


def _goes_quietly(pid: int) -> None:
    share = processor_share(pid, 1.5)
    must_hold(share < BUSY, f"it spins: {share:.0%} of a core")
    must_hold(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE, "it died")


def _log_lines(rig: Rig) -> int:
    return rig.server.log_text().count("\n")


def _receipts(rig: Rig) -> int:
    with spool_of(rig.home) as spool:
        return sum(session.has_receipt for session in spool.sessions(limit=1000))


@contextlib.contextmanager
def _connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that say nothing."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _ in range(count)
        ]


def _closed(connections: list[socket.socket]) -> int:
    """How many of them the server has closed; it does so at once."""
    return sum(_is_closed(connection) for connection in connections)


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0.005)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


DRILLS = [
    Drill(
        "descriptors-flood",
        "Limits",
        "more connections than the server has descriptors",
        10,
        flooded_server,
        takes_s=8,
    ),
    Drill(
        "descriptors-server",
        "Limits",
        "not one descriptor more for the server",
        10,
        server_without_descriptors,
        takes_s=8,
    ),
    Drill(
        "descriptors-client",
        "Limits",
        "not one descriptor more for the client",
        10,
        client_without_descriptors,
        takes_s=8,
    ),
]
