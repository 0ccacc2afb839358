"""How long to wait before the next attempt to connect (pure)."""

from collections.abc import Callable
from typing import Final

BASE_S: Final = 0.25
EARLY_CAP_S: Final = 1.5
LATE_CAP_S: Final = 30.0
EARLY_S: Final = 300.0
"""For so long an outage is likely a restart, and attempts stay frequent."""


class Backoff:
    """Delays with full jitter, so that clients do not come back as a herd.

    delay = uniform(0, min(cap, 0.25 s * 2**n)) for the n-th failure in a row; the cap is 1.5 s
    in the first 5 minutes of an outage and 30 s later.
    """

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        self._uniform = uniform
        self._failures = 0
        self._since: float | None = None

    def reset(self) -> None:
        """The outage is over, or somebody wants to try at once."""
        self._failures = 0
        self._since = None

    def delay_s(self, now_s: float, *, at_least_s: float = 0.0) -> float:
        """Count a failure; how long to wait after it.

        Args:
            now_s: monotonic time.
            at_least_s: what the server asked for.
        """
        if self._since is None:
            self._since = now_s
        # 2**7 * 0.25 s is over the highest cap.
        longest = min(self.cap_s(now_s), BASE_S * 2 ** min(self._failures, 7))
        self._failures += 1
        return max(at_least_s, self._uniform(0.0, longest))

    def cap_s(self, now_s: float) -> float:
        """The longest delay at that point of the outage."""
        early = self._since is None or now_s - self._since < EARLY_S
        return EARLY_CAP_S if early else LATE_CAP_S

    def is_early(self, now_s: float) -> bool:
        """Whether the outage began less than 5 minutes ago."""
        return self.cap_s(now_s) == EARLY_CAP_S
