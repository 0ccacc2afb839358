"""Runs a module with a wall clock that somebody else moves, without touching the computer's own.

    python -m tests.faults.with_clock CLOCK -m scribe_server …

CLOCK is a file of two doubles that is looked at with every reading: the seconds to add to the wall
clock, and the seconds that the computer is said to have slept.
"""

import mmap
import runpy
import struct
import sys
import time
from pathlib import Path

LAYOUT = struct.Struct("dd")


class MovedClock:
    """The readings of the time module, moved by what the file says."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._moved = mmap.mmap(file.fileno(), LAYOUT.size, access=mmap.ACCESS_READ)
        self._time_ns = time.time_ns
        self._clock_gettime = time.clock_gettime

    def time_ns(self) -> int:
        """As time.time_ns."""
        return self._time_ns() + int(self._read()[0] * 1_000_000_000)

    def time(self) -> float:
        """As time.time."""
        return self.time_ns() / 1_000_000_000

    def clock_gettime(self, which: int) -> float:
        """As time.clock_gettime: sleep counts in CLOCK_BOOTTIME alone."""
        wall_s, asleep_s = self._read()
        moved = {time.CLOCK_REALTIME: wall_s, time.CLOCK_BOOTTIME: asleep_s}
        return self._clock_gettime(which) + moved.get(which, 0.0)

    def _read(self) -> tuple[float, float]:
        wall_s, asleep_s = LAYOUT.unpack(self._moved[: LAYOUT.size])
        return wall_s, asleep_s


def main(words: list[str]) -> None:
    """Move the clock, then be the module."""
    path, dash_m, module, *rest = words
    assert dash_m == "-m", words
    moved = MovedClock(Path(path))
    vars(time).update(time=moved.time, time_ns=moved.time_ns, clock_gettime=moved.clock_gettime)
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
