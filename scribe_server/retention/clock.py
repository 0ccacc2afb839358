"""Whether the clock can be believed before anything is deleted by age; pure but for uptime_ms.

A clock that jumps ahead makes everything old at once. So a run remembers the wall clock and the
machine's uptime, and the next one compares: time that passed on the wall and not in the machine is
not believed beyond TOLERANCE_MS.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

TOLERANCE_MS: Final = 48 * 3_600_000


@dataclass(frozen=True, slots=True)
class Mark:
    """The wall clock as it was looked at (ms since 1970), and the machine's uptime then (ms)."""

    wall_ms: int
    uptime_ms: int


def uptime_ms() -> int:
    """Milliseconds since the machine was started, sleep counted where the system counts it."""
    boot_clock = getattr(time, "CLOCK_BOOTTIME", None)
    if boot_clock is None:  # macOS, Windows
        return time.monotonic_ns() // 1_000_000
    return time.clock_gettime_ns(boot_clock) // 1_000_000


def doubted_ms(marks: Sequence[Mark]) -> int:
    """How much time since the first mark passed on the wall and not in the machine; 0: none.

    Args:
        marks: the clock that was believed last, then each time it was looked at, the present last.

    A step between two looks counts when it is beyond TOLERANCE_MS: computers are off at night. What
    counts is paid off by the machine's uptime afterwards, and by a clock that is put back.
    """
    doubted = 0
    for before, after in pairwise(marks):
        vouched, passed = _vouched_ms(before, after), after.wall_ms - before.wall_ms
        unexplained = max(0, passed - vouched)
        if unexplained > TOLERANCE_MS:
            doubted += unexplained
        else:
            doubted = max(0, doubted - vouched + min(0, passed))
    return doubted


def _vouched_ms(before: Mark, after: Mark) -> int:
    # After a restart the uptime alone is vouched for. A machine that has been up for longer than
    # at the earlier look counts as the same run; that vouches for less than is true, never more.
    if after.uptime_ms >= before.uptime_ms:
        return after.uptime_ms - before.uptime_ms
    return after.uptime_ms


def is_believed(marks: Sequence[Mark]) -> bool:
    """Whether the clock may decide what is old; a first look has nothing to doubt it by."""
    return doubted_ms(marks) <= TOLERANCE_MS
