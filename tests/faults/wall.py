"""The wall clock of one process under test, which a drill puts forward and back."""

import mmap
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults.with_clock import LAYOUT

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


class WallClock:
    """Give `python` to whatever starts the process; jumps reach it at its next reading."""

    def __init__(self, path: Path, cleanup: ExitStack) -> None:
        path.write_bytes(LAYOUT.pack(0.0, 0.0))
        with path.open("r+b") as file:
            self._moved = mmap.mmap(file.fileno(), LAYOUT.size)
        cleanup.callback(self._moved.close)
        self._path = path
        self._asleep_s = 0.0
        self.offset_s = 0.0

    @property
    def python(self) -> tuple[str, ...]:
        """The words before `-m MODULE`."""
        return (sys.executable, "-m", "tests.faults.with_clock", str(self._path))

    @property
    def now_ms(self) -> int:
        """What the process takes for the time (ms since 1970 UTC)."""
        return time.time_ns() // 1_000_000 + int(self.offset_s * 1_000)

    def jump(self, seconds: float) -> None:
        """Put it forward, or back when negative."""
        self.offset_s += seconds
        self._write()

    def sleep(self, seconds: float) -> None:
        """Let the computer have slept: the wall clock and the time since the start have gone on."""
        self._asleep_s += seconds
        self.jump(seconds)

    def _write(self) -> None:
        self._moved[: LAYOUT.size] = LAYOUT.pack(self.offset_s, self._asleep_s)
