"""A flood of one kind of line must not fill the disk: so many a minute, and how many were left out.

A kind is the place in the code that writes the line, whatever it says of whom.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

LINES_A_MINUTE: Final = 60
_MINUTE_S: Final = 60.0

Site = tuple[str, int]
"""File and line."""


@dataclass(slots=True)
class _Window:
    began_s: float
    logger: str
    passed: int = 0
    left_out: int = 0


class Throttle:
    """Decides about each line; times in seconds of a clock that only goes forward."""

    def __init__(self, lines: int = LINES_A_MINUTE) -> None:
        self._lines = lines
        self._windows: dict[Site, _Window] = {}

    def passes(self, site: Site, logger: str, now_s: float) -> bool:
        """Count one line; whether it is written."""
        window = self._windows.get(site)
        if window is None:
            window = self._windows[site] = _Window(now_s, logger)
        if window.passed < self._lines:
            window.passed += 1
            return True
        window.left_out += 1
        return False

    def ended(self, now_s: float) -> Iterator[tuple[str, int]]:
        """Close the minutes that are over; gives (logger, lines left out) where there were any."""
        over = [site for site, one in self._windows.items() if now_s - one.began_s >= _MINUTE_S]
        for site in over:
            window = self._windows.pop(site)
            if window.left_out:
                yield window.logger, window.left_out


class ThrottledHandler(logging.StreamHandler[Any]):
    """A stream handler that lets through what its throttle does."""

    def __init__(
        self, stream: Any, *, throttle: Throttle, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(stream)
        self._throttle = throttle
        self._monotonic = monotonic

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, or count it; first what the minutes that are over left out."""
        now_s = self._monotonic()
        self._tell(now_s)
        if self._throttle.passes((record.pathname, record.lineno), record.name, now_s):
            super().emit(record)

    @override
    def close(self) -> None:
        """Say what was left out last."""
        self._tell(float("inf"))
        super().close()

    def _tell(self, now_s: float) -> None:
        for logger, count in self._throttle.ended(now_s):
            words = "%d lines like the last ones were left out"
            level = logging.WARNING
            super().emit(logging.LogRecord(logger, level, __file__, 0, words, (count,), None))
