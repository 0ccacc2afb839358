"""What a bad line does to packets (pure): late, lost, twice, overtaken, damaged, slow, none.

The kernels that drills run on often lack a network emulator of their own (sch_netem).
"""

import heapq
import itertools
import random
from dataclasses import dataclass
from typing import Final

IP_HEADER_BYTES: Final = 20
"""An IPv4 header without options, RFC 791; it is never damaged, so that TCP sees the damage."""
QUEUE_S: Final = 1.0
"""A line of a limited rate queues so much and drops the rest, as a router does."""
OVERTAKEN_S: Final = 0.02
"""How much later a packet comes that others shall overtake."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one direction treats packets; shares are 0 to 1.

    Attributes:
        delay_ms: for each packet.
        jitter_ms: up to so much more or less.
        loss: share that is dropped.
        twice: share that comes twice.
        overtaken: share that comes 20 ms late.
        damaged: share in which one bit is turned over.
        rate_kbit: kbit/s, 0 for no limit; 1 s of it is queued.
        is_open: False for a black hole, which also swallows what is on its way.
    """

    delay_ms: float = 0
    jitter_ms: float = 0
    loss: float = 0
    twice: float = 0
    overtaken: float = 0
    damaged: float = 0
    rate_kbit: float = 0
    is_open: bool = True


CLEAR: Final = Line()
HOLE: Final = Line(is_open=False)


@dataclass(slots=True)
class Counts:
    """What was really done to how many packets: the proof that a fault fired."""

    passed: int = 0
    delayed: int = 0
    lost: int = 0
    twice: int = 0
    overtaken: int = 0
    damaged: int = 0
    overflowed: int = 0
    swallowed: int = 0


class Direction:
    """Packets on their way in one direction; the line may change at any moment."""

    def __init__(self, rng: random.Random) -> None:
        self.line = CLEAR
        self.counts = Counts()
        self._rng = rng
        self._number = itertools.count()
        self._last_out = -1
        self._free_s = 0.0
        self._queue: list[tuple[float, int, bytes]] = []

    def take(self, now_s: float, packet: bytes) -> None:
        """A packet enters the line."""
        line, counts = self.line, self.counts
        if not line.is_open:
            counts.swallowed += 1
            return
        if self._rng.random() < line.loss:
            counts.lost += 1
            return
        sent_s = self._sent_s(now_s, len(packet))
        if sent_s is None:
            counts.overflowed += 1
            return
        for _ in range(self._copies()):
            due_s = max(now_s, sent_s + self._lag_s())
            heapq.heappush(self._queue, (due_s, next(self._number), self._damage(packet)))

    def due(self, now_s: float) -> list[bytes]:
        """The packets that leave the line by now, in the order in which they arrive."""
        out = []
        while self._queue and self._queue[0][0] <= now_s:
            _, number, packet = heapq.heappop(self._queue)
            if not self.line.is_open:
                self.counts.swallowed += 1
                continue
            self.counts.passed += 1
            self.counts.overtaken += number < self._last_out
            self._last_out = max(self._last_out, number)
            out.append(packet)
        return out

    def wait_s(self, now_s: float, longest_s: float) -> float:
        """For how long nothing is due."""
        if not self._queue:
            return longest_s
        return min(longest_s, max(0.0, self._queue[0][0] - now_s))

    def _sent_s(self, now_s: float, size: int) -> float | None:
        """When the last bit is on the line; None when its queue is full."""
        if not self.line.rate_kbit:
            return now_s
        sent_s = max(self._free_s, now_s) + size * 8 / 1000 / self.line.rate_kbit
        if sent_s - now_s > QUEUE_S:
            return None
        self._free_s = sent_s
        return sent_s

    def _copies(self) -> int:
        if self._rng.random() >= self.line.twice:
            return 1
        self.counts.twice += 1
        return 2

    def _lag_s(self) -> float:
        line = self.line
        lag_s = (line.delay_ms + self._rng.uniform(-1, 1) * line.jitter_ms) / 1000
        self.counts.delayed += lag_s > 0
        return lag_s + (OVERTAKEN_S if self._rng.random() < line.overtaken else 0)

    def _damage(self, packet: bytes) -> bytes:
        if self._rng.random() >= self.line.damaged or len(packet) <= IP_HEADER_BYTES:
            return packet
        self.counts.damaged += 1
        damaged = bytearray(packet)
        damaged[self._rng.randrange(IP_HEADER_BYTES, len(packet))] ^= 1 << self._rng.randrange(8)
        return bytes(damaged)
