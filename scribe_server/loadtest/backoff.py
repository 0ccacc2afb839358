"""How long a simulated recorder waits before it connects again (pure): as the desktop does."""

from collections.abc import Callable
from typing import Final

BASE_S: Final = 0.25
CAP_S: Final = 1.5
"""The desktop's cap in the first five minutes of an outage."""


def delay_s(failures: int, uniform: Callable[[float, float], float]) -> float:
    """uniform(0, min(cap, 0.25 s * 2**n)) after the n-th failure in a row, counted from 0."""
    return uniform(0.0, min(CAP_S, BASE_S * 2 ** min(failures, 7)))
