"""What a server says that makes no sense: noted in the log, and never fast."""

import logging
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0


class Complaints:
    """Writes the first of a kind at once, and how many there were at most once a minute.

    Args:
        now_s: monotonic time in seconds.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._told_at: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def add(self, kind: str, detail: str) -> None:
        """Note one of a kind; there are few kinds, and the detail is only an example."""
        now_s = self._now_s()
        count = self._untold[kind] = self._untold.get(kind, 0) + 1
        if now_s - self._told_at.get(kind, -EVERY_S) < EVERY_S:
            return
        self._told_at[kind] = now_s
        self._untold[kind] = 0
        log.warning("the server sent %s, %d times: %.100r", kind, count, detail)
