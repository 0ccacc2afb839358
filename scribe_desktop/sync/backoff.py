"""When the next attempt to connect begins (pure).

Attempts are at least 1.2 s apart, so that 100 clients make at most 100 connects in any second,
whatever the server does to them and though some packets are late. In an outage of less than five
minutes they are at most 1.6 s apart, or as long as an attempt lasts (the kernel repeats a lost SYN
after 1 s), so that delivery goes on within 2 s; later at most 30 s.
"""

from collections.abc import Callable
from typing import Final

SPREAD_S: Final = 1.0
"""Those who lose their connections at the same moment come back over so long a time."""
APART_S: Final = 1.2
EARLY_CAP_S: Final = 1.6
LATE_CAP_S: Final = 30.0
EARLY_S: Final = 300.0
"""For so long an outage is likely a restart, and attempts stay frequent."""


class Backoff:
    """Random delays, so that clients do not come back as a herd.

    From the start of an attempt to the start of the next: uniform(1.2 s, cap), where the cap is
    1.6 s in the first 5 minutes of an outage and 30 s later; an attempt that lasts longer is
    followed at once. After a connection was lost: at least uniform(0, 1 s).
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._since: float | None = None
        self._attempted_at: float | None = None
        self._was_up = False

    def attempted(self, now_s: float) -> None:
        """An attempt begins.

        Args:
            now_s: monotonic time.
        """
        self._attempted_at = now_s
        self._was_up = False

    def connected(self) -> None:
        """The attempt succeeded."""
        self._was_up = True

    def reset(self) -> None:
        """The outage is over, or somebody wants to try at once."""
        self._since = None

    def delay_s(self, now_s: float, *, at_least_s: float = 0.0) -> float:
        """How long to wait after an attempt that failed, or a connection that was lost.

        Args:
            now_s: monotonic time.
            at_least_s: what the server asked for.
        """
        if self._since is None:
            self._since = now_s
        delay_s = self._uniform(0.0, SPREAD_S) if self._was_up else 0.0
        if self._attempted_at is not None:
            apart_s = self._uniform(APART_S, self.cap_s(now_s))
            delay_s = max(delay_s, self._attempted_at + apart_s - now_s)
        return max(at_least_s, delay_s)

    def cap_s(self, now_s: float) -> float:
        """The longest time between two attempts at that point of the outage."""
        early = self._since is None or now_s - self._since < EARLY_S
        return EARLY_CAP_S if early else LATE_CAP_S

    def is_early(self, now_s: float) -> bool:
        """Whether the outage began less than 5 minutes ago."""
        return self.cap_s(now_s) == EARLY_CAP_S
