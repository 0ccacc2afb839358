"""Numbers out of numbers: medians, spreads, percentiles, ratios of paired runs, slopes. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Run = Mapping[str, float]
"""What one contestant measured in one round, by name of the value."""
Runs = Mapping[str, Sequence[Run]]
"""All rounds of each contestant; the n-th runs of two contestants ran one after the other."""


@dataclass(frozen=True)
class Spread:
    """The median of some rounds, the least and the greatest of them, and how many there were."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Sum up the rounds' values, of which there is at least one."""
    return Spread(median(values), min(values), max(values), len(values))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value of an ascending sequence that this share (0 … 1) of it does not exceed.

    The nearest-rank definition: always one of the values.
    """
    rank = max(1, math.ceil(len(ordered) * share))
    return ordered[rank - 1]


def values_of(runs: Runs, contestant: str, key: str) -> list[float]:
    """One value of a contestant, round by round."""
    return [run[key] for run in runs[contestant]]


def ratio(runs: Runs, ours: str, other: str, key: str) -> Spread:
    """Our value over the other's, round by round: noise that both rounds share cancels out."""
    pairs = zip(values_of(runs, ours, key), values_of(runs, other, key), strict=True)
    return spread([a / b for a, b in pairs])


def summary(runs: Sequence[Run]) -> dict[str, Spread]:
    """The spread of every value that one contestant measured."""
    return {key: spread([run[key] for run in runs]) for key in runs[0]}


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The Theil-Sen slope of (x, y) points: the median slope of all pairs, deaf to outliers.

    Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968.

    Raises:
        ValueError: all points have the same x.
    """
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for at, earlier in enumerate(points)
        for later in points[at + 1 :]
        if later[0] != earlier[0]
    ]
    if not slopes:
        raise ValueError("points of one x only have no slope: measure for longer")
    return median(slopes)


def second_half(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points of the later half of the x range: what comes after warming up."""
    middle = (points[0][0] + points[-1][0]) / 2
    return [point for point in points if point[0] >= middle]
