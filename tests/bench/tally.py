"""Counts what the connections of a load report, and times it."""

import asyncio
import contextlib
import time
from array import array

from tests.bench.figures import percentile
from tests.bench.job import Outcome

SHARES = (0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0)


class Tally:
    """Sums over all connections.

    In a closed loop the acks that come while measuring count. In an open loop the chunks that are
    due while measuring do, however late their ack comes: a stall at the end would not show else.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.acked = 0
        self.errors = 0
        self.last_error = ""
        self.ended = 0
        self.running = False
        self.leaving = False
        self._from = float("inf")
        self._to = float("inf")
        self._by_due = False
        self._latencies = array("d")
        self._target = float("inf")
        self._reached = asyncio.Event()

    @property
    def answered(self) -> int:
        """Chunks acknowledged or refused."""
        return self.acked + self.errors

    async def answers(self, count: int, *, timeout_s: float) -> None:
        """Return once so many chunks are answered, or after the time-out."""
        self._target = count
        self._reached.clear()
        if self.answered < count:
            with contextlib.suppress(TimeoutError):  # the sums tell what is missing
                async with asyncio.timeout(timeout_s):
                    await self._reached.wait()

    def measure(self, begin: float, end: float, *, by_due: bool) -> None:
        """Set the time (monotonic seconds) in which acks, or due chunks, are measured."""
        self._from, self._to = begin, end
        self._by_due = by_due

    def ack(self, due: float) -> None:
        """A chunk that was due then is acknowledged now."""
        now = time.perf_counter()
        self.acked += 1
        self._look()
        if self._from <= (due if self._by_due else now) < self._to:
            self._latencies.append(now - due)

    def error(self, what: str) -> None:
        """A refusal, or a chunk that could not be sent when it was due."""
        self.errors += 1
        self.last_error = what
        self._look()

    def outcome(self, seconds: float, progress: list[tuple[float, int]]) -> Outcome:
        """The sums after `seconds` of measuring."""
        ordered = sorted(self._latencies)
        quantiles = {f"{share:g}": percentile(ordered, share) * 1e3 for share in SHARES if ordered}
        return Outcome(
            len(ordered), seconds, self.sent, self.acked, self.errors, self.last_error,
            self.ended, quantiles, progress,
        )  # fmt: skip

    def _look(self) -> None:
        if self.answered >= self._target:
            self._reached.set()
