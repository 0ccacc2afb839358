"""A rig whose client is at the other end of a tunnel, and what both ends can say of it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import msgspec

from tests.faults.drill import Round, must_hold
from tests.faults.packets import Counts
from tests.faults.rig import Rig
from tests.faults.tunnel import Tunnel
from tests.parts.proof import rest
from tests.parts.server import ServerProcess

BUSY_S: Final = 6.0
"""What is added to a promise about time where more wants to run than can."""
ESTABLISHED: Final = "01"  # net/tcp_states.h, as /proc/net/tcp writes it


def over_a_tunnel(
    round_: Round, *, rate: float = 20, size: int = 20_000, chunks: int = 20
) -> tuple[Rig, Tunnel]:
    """A server here, and a feeder that is not started yet in a namespace of its own."""
    tunnel = round_.cleanup.enter_context(Tunnel(round_.rng.getrandbits(32)))
    rig = Rig(
        round_,
        rate=rate,
        size=size,
        chunks=chunks,
        server_args=("--host", tunnel.server),
        feeder_args=("--insecure",),
        feeder_python=(*tunnel.inside, sys.executable),
    )
    return rig, tunnel


def limit_s(promised_s: float, round_: Round) -> float:
    """How long delivery may take to go on; what it took is in the report in any case."""
    return promised_s + (BUSY_S if round_.quick or is_busy(os.getloadavg()[0]) else 0)


def is_busy(load: float) -> bool:
    """Whether more than two processes per core want to run: then no clock proves anything."""
    return load > 2 * (os.cpu_count() or 1)


def done_to_packets(tunnel: Tunnel, kind: str) -> int:
    """How many packets met this, by its name in Counts, in both directions together."""
    return sum(asdict(counts)[kind] for counts in tunnel.counts)


def packets(counts: Counts) -> str:
    """The counts that are not 0, for a note."""
    return ", ".join(f"{count} {kind}" for kind, count in asdict(counts).items() if count)


def ready(server: ServerProcess) -> dict[str, object]:
    """The server's own counters, from /readyz."""
    answer = rest(server, "/readyz", token="not asked for")
    must_hold(answer.status in {200, 503}, f"/readyz answers {answer}")
    return msgspec.json.decode(answer.body, type=dict[str, object])


def duplicates(server: ServerProcess) -> int:
    """How many chunks came to the server that it had already."""
    return int(str(ready(server)["duplicates"]))


def connections(tcp: str, port: int) -> int:
    """How many connections to this port are established, out of /proc/net/tcp."""
    rows = [line.split() for line in tcp.splitlines()[1:]]
    mine = f":{port:04X}"
    return sum(row[1].endswith(mine) and row[3] == ESTABLISHED for row in rows)


def connections_of(server: ServerProcess) -> int:
    """How many connections its kernel holds for a server."""
    return connections(Path("/proc/net/tcp").read_text(encoding="ascii"), server.port)


def most_within(moments: Sequence[float], window_s: float) -> int:
    """The most moments that fall into any window of so many seconds."""
    ordered = sorted(moments)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most
