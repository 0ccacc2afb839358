"""Whether one recorder has been told to hold, for how long, and when it asks again."""

from collections.abc import Callable
from typing import Final

from scribe_server.loadtest.job import Counts

PROBE_S: Final = 1.0
"""Between two attempts while the server says to hold, unless it names another time."""

Later = Callable[..., None]
"""later(delay_s, work, *arguments): call work(*arguments) on the same loop in so many seconds."""


class Hold:
    """A "go" can be lost, so `probe` is called again and again as long as it is active."""

    def __init__(
        self,
        counts: Counts,
        clock: Callable[[], float],
        later: Later,
        probe: Callable[[], None],
    ) -> None:
        self._counts = counts
        self._clock = clock
        self._later = later
        self._probe = probe
        self._since: float | None = None
        self._number = 0

    @property
    def active(self) -> bool:
        """Whether nothing should be sent now."""
        return self._since is not None

    def begin(self, retry_after_ms: int | None) -> None:
        """The server takes nothing now, and may be asked again after so long."""
        if self._since is not None:
            return
        self._since = self._clock()
        self._counts.held += 1
        self._counts.told_to_hold += 1
        delay_s = PROBE_S if retry_after_ms is None else retry_after_ms / 1000
        self._later(delay_s, self._try, self._number)

    def end(self) -> None:
        """It may go on, or the connection that it held for is gone."""
        if self._since is not None:
            self._counts.held -= 1
            self._counts.held_s += self._clock() - self._since
            self._since = None
            self._number += 1

    def _try(self, number: int) -> None:
        if number == self._number and self._since is not None:
            self._later(PROBE_S, self._try, number)
            self._probe()
