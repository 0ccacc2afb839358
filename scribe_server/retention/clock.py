"""Whether the clock can be believed before anything is deleted by age; pure but for uptime_ms.

A clock that jumps ahead makes everything old at once. So a run remembers the wall clock and the
machine's uptime, and the next one compares: time that passed on the wall and not in the machine is
not believed beyond TOLERANCE_MS.
"""

import time
from dataclasses import dataclass
from typing import Final

TOLERANCE_MS: Final = 48 * 3_600_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A wall clock that was believed (ms since 1970) and the machine's uptime then (ms)."""

    wall_ms: int
    uptime_ms: int


def uptime_ms() -> int:
    """Milliseconds since the machine was started, sleep counted where the system counts it."""
    boot_clock = getattr(time, "CLOCK_BOOTTIME", None)
    if boot_clock is None:  # macOS, Windows
        return time.monotonic_ns() // 1_000_000
    return time.clock_gettime_ns(boot_clock) // 1_000_000


def unexplained_ms(now: int, uptime: int, mark: Mark) -> int:
    """How much further the wall clock has gone since the mark than the machine can vouch for.

    After a restart the uptime alone is vouched for. A machine that has been up for longer than
    at the mark counts as the same run; that vouches for less than is true, never for more.
    """
    vouched = uptime - mark.uptime_ms if uptime >= mark.uptime_ms else uptime
    return max(0, now - mark.wall_ms - vouched)


def is_believed(now: int, uptime: int, mark: Mark | None) -> bool:
    """Whether the clock may decide what is old; without a mark there is nothing to doubt it by."""
    return mark is None or unexplained_ms(now, uptime, mark) <= TOLERANCE_MS
