"""How long a simulated recorder waits before it connects again (pure): as the desktop does."""

from collections.abc import Callable
from typing import Final

SPREAD_S: Final = 1.0
APART_S: Final = 1.2
CAP_S: Final = 1.6
"""The desktop's cap in the first five minutes of an outage."""


def delay_s(failures: int, uniform: Callable[[float, float], float]) -> float:
    """uniform(0, 1 s) for a lost connection, uniform(1.2 s, 1.6 s) after an attempt that failed.

    Args:
        failures: attempts that have failed since the connection was lost.
        uniform: chance.
    """
    return uniform(APART_S, CAP_S) if failures else uniform(0.0, SPREAD_S)
