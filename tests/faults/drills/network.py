"""A bad line between client and server, and no line at all (needs TUN and namespaces)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from scribe_desktop.model import now_ms
from tests.faults.drill import Drill, Outcome, Round, must_hold
from tests.faults.line import done_to_packets, duplicates, limit_s, over_a_tunnel, packets
from tests.faults.packets import CLEAR, HOLE, Line

GROUP: Final = "Network"
RESUME_S: Final = 2.0
"""Delivery goes on so soon after a black hole of less than five minutes."""
FLAPS: Final = 6
RESUME_LATE_S: Final = 32.0


def bad_line(line: Line, *kinds: str, rate: float = 20) -> Callable[[Round], Outcome]:
    """Delivery goes on over a line that does these kinds of things to packets."""

    def run(round_: Round) -> Outcome:
        rig, tunnel = over_a_tunnel(round_, rate=rate)
        rig.start_feeder()
        injected = 0
        for _ in range(round_.times):
            before = [done_to_packets(tunnel, kind) for kind in kinds]
            tunnel.set(line)
            rig.sleep(0.8, 1.5)
            rig.wait_for_ack(now_ms())
            after = [done_to_packets(tunnel, kind) for kind in kinds]
            tunnel.clear()
            rig.recovered(now_ms())
            injected += all(now > then for now, then in zip(after, before, strict=True))
        again = tunnel.client_tcp("RetransSegs")
        note = f"packets up: {packets(tunnel.up.counts)}; down: {packets(tunnel.down.counts)}"
        return rig.ended(injected, f"{note}; TCP sent {again} segments again")

    return run


def slow_line(round_: Round) -> Outcome:
    """At 2 Mbit/s with more to send than that, the client is patient: it cuts no connection."""
    rig, tunnel = over_a_tunnel(round_, rate=20)
    rig.start_feeder()
    opened = tunnel.client_tcp("ActiveOpens")
    for _ in range(round_.times):
        tunnel.set(Line(delay_ms=10, rate_kbit=2_000))
        rig.sleep(2.5, 3.5)
        rig.wait_for_ack(now_ms())
        must_hold(tunnel.client_tcp("ActiveOpens") == opened, "it gave a slow connection up")
        tunnel.clear()
        rig.recovered(now_ms())
    return rig.ended(round_.times, "no connection was given up")


@dataclass(frozen=True)
class Hole:
    """A black hole: which directions, how long (s), and how soon delivery goes on after it."""

    up: Line
    down: Line
    full_s: float
    quick_s: float
    resume_s: float = RESUME_S
    rate: float = 20
    acks_die: bool = False

    def __call__(self, round_: Round) -> Outcome:
        """Open it, look that nothing acked is missing, close it, and wait for an ack."""
        rig, tunnel = over_a_tunnel(round_, rate=self.rate)
        rig.start_feeder()
        length_s = self.quick_s if round_.quick else self.full_s
        for _ in range(round_.times):
            rig.sleep(0.3, 1.5)
            swallowed = done_to_packets(tunnel, "swallowed")
            tunnel.set(self.up, self.down)
            rig.sleep(length_s * 0.9, length_s * 1.1)
            rig.check_acked()
            rig.check_promised()
            must_hold(done_to_packets(tunnel, "swallowed") > swallowed, "nothing fell in the hole")
            tunnel.clear()
            rig.recovered(now_ms(), limit_s=limit_s(self.resume_s, round_))
        twice = duplicates(rig.server)
        if self.acks_die and not round_.quick:  # two short holes may meet no ack
            must_hold(twice > 0, "no ack died: no chunk came a second time")
        return rig.ended(round_.times, f"{twice} chunks came a second time and were stored once")


def flapping(round_: Round) -> Outcome:
    """The line goes and comes back six times in a few seconds."""
    rig, tunnel = over_a_tunnel(round_)
    rig.start_feeder()
    for _ in range(round_.times):
        swallowed = [done_to_packets(tunnel, "swallowed")]
        for _ in range(FLAPS):
            tunnel.set(HOLE)
            rig.sleep(0.2, 0.6)
            tunnel.clear()
            swallowed.append(done_to_packets(tunnel, "swallowed"))
            rig.sleep(0.1, 0.4)
        # A flap that falls into a pause between two attempts to connect has nothing to swallow.
        fired = sum(before < after for before, after in pairwise(swallowed))
        must_hold(fired >= FLAPS / 2, f"{fired} of {FLAPS} flaps swallowed a packet")
        rig.recovered(now_ms())
    return rig.ended(round_.times)


DRILLS = [
    Drill("net-delay", GROUP, "200 ms to the other side and back, 60 ms more or less", 20,
          bad_line(Line(delay_ms=100, jitter_ms=30), "delayed"), takes_s=7),
    Drill("net-loss-5", GROUP, "5 % of the packets are lost", 20,
          bad_line(Line(delay_ms=10, loss=0.05), "lost"), quick_times=0, takes_s=7),
    Drill("net-loss-20", GROUP, "20 % of the packets are lost", 20,
          bad_line(Line(delay_ms=10, loss=0.2), "lost", rate=5), takes_s=8),
    Drill("net-disorder", GROUP, "10 % of the packets come twice, 20 % are overtaken", 20,
          bad_line(Line(delay_ms=2, twice=0.1, overtaken=0.2), "twice", "overtaken"), takes_s=7),
    Drill("net-damage", GROUP, "a bit is turned over in 1 % of the packets", 20,
          bad_line(Line(damaged=0.01), "damaged", rate=50), takes_s=7),
    Drill("net-slow", GROUP, "2 Mbit/s, and more than that to send", 10, slow_line, takes_s=12),
    Drill("net-flap", GROUP, "the line goes six times in a few seconds", 10, flapping, takes_s=10),
    Drill("hole-up", GROUP, "black hole of 6 s from the client to the server", 10,
          Hole(HOLE, CLEAR, 6, 3.7), takes_s=13),
    Drill("hole-acks", GROUP, "black hole of 6 s from the server to the client: the acks die", 10,
          Hole(CLEAR, HOLE, 6, 3.7, acks_die=True), takes_s=13),
    Drill("hole-8", GROUP, "black hole of 8 s", 20, Hole(HOLE, HOLE, 8, 4.5), takes_s=15),
    Drill("hole-30", GROUP, "black hole of 30 s", 10, Hole(HOLE, HOLE, 30, 6.5),
          quick_times=0, takes_s=400, limit_s=1200),
    Drill("hole-late", GROUP, "black hole of 6 minutes: attempts have become rare", 1,
          Hole(HOLE, HOLE, 360, 5, RESUME_LATE_S, rate=2), quick_times=0, takes_s=400),
]  # fmt: skip
