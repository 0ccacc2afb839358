"""Who sends what when (pure). Times are seconds from the start of the load."""

import math
import random
import uuid
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec

from scribe_server.protocol import MAX_SEQUENCE

DEFAULT_CHUNKS: Final = 120
CUTS: Final = 3
"""How often --drop-network cuts each connection."""


class Pace(StrEnum):
    """How chunks become due."""

    FAST = "fast"
    NORMAL = "normal"
    REALTIME = "realtime"
    FLOOD = "flood"
    RATE = "rate"


INTERVALS_S: Final = {Pace.FAST: 0.1, Pace.NORMAL: 1.0, Pace.REALTIME: 30.0}


class Plan(msgspec.Struct, frozen=True):
    """What all sessions together send.

    Attributes:
        sessions: how many recorders.
        pace: how their chunks become due.
        chunks: the most that one session sends; None: as many as `seconds` allow.
        seconds: chunks due later than this are not sent; None: all are.
        rate: chunks a second of all sessions together, for Pace.RATE.
        seed: of everything that is left to chance.
    """

    sessions: int
    pace: Pace
    chunks: int | None
    seconds: float | None
    rate: float | None
    seed: int

    @property
    def interval_s(self) -> float:
        """Between two chunks of one session; 0 when it sends whenever it may (closed loop)."""
        if self.pace is Pace.FLOOD:
            return 0.0
        if self.pace is Pace.RATE:
            assert self.rate is not None
            return self.sessions / self.rate
        return INTERVALS_S[self.pace]

    def phase_s(self, index: int) -> float:
        """When a session's first chunk is due: spread over one interval, by the seed."""
        return random.Random(f"{self.seed} phase {index}").uniform(0.0, self.interval_s)  # noqa: S311

    def planned(self, index: int) -> int:
        """How many chunks a session sends at most."""
        most = MAX_SEQUENCE + 1 if self.chunks is None else self.chunks
        if self.seconds is None or self.pace is Pace.FLOOD:
            return most
        left = self.seconds - self.phase_s(index)
        return max(0, min(most, math.ceil(left / self.interval_s)))

    def expected(self) -> int | None:
        """Chunks of all sessions together; None when only time limits them."""
        if self.pace is Pace.FLOOD and self.chunks is None:
            return None
        return sum(self.planned(index) for index in range(self.sessions))

    def dues(self, index: int) -> Iterator[float]:
        """When each chunk of a session is due."""
        phase, interval = self.phase_s(index), self.interval_s
        return (phase + number * interval for number in range(self.planned(index)))

    def session_id(self, index: int) -> uuid.UUID:
        """The session's id: the same seed gives the same ids."""
        return uuid.UUID(int=random.Random(f"{self.seed} id {index}").getrandbits(128), version=4)  # noqa: S311


def cut_points(planned: int, cuts: int = CUTS) -> frozenset[int]:
    """After which sequences a connection is cut so many times, evenly over the session."""
    return frozenset(max(0, planned * number // (cuts + 1)) for number in range(1, cuts + 1))


def shares(total: int, parts: int) -> list[range]:
    """Session numbers dealt to processes: each gets every `parts`-th."""
    return [range(first, total, parts) for first in range(parts)]
