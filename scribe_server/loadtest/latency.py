"""Percentiles of many measured times (pure).

A latency counts from the moment a chunk was due by the schedule, not from the moment it was sent:
a server that stalls delays what is due meanwhile, and that delay counts (no coordinated omission).
"""

import math
from collections.abc import Sequence

from scribe_server.loadtest.report import Latency


def percentile(ascending: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile: the smallest value that `share` of all do not exceed."""
    if not ascending:
        return None
    rank = math.ceil(share * len(ascending))
    return ascending[max(0, rank - 1)]


def summary(values_ms: Sequence[float]) -> Latency:
    """Average and percentiles, ms rounded to microseconds; all None without values."""
    ascending = sorted(values_ms)

    def at(share: float) -> float | None:
        found = percentile(ascending, share)
        return None if found is None else round(found, 3)

    return Latency(
        samples=len(ascending),
        average=round(math.fsum(ascending) / len(ascending), 3) if ascending else None,
        p50=at(0.5),
        p95=at(0.95),
        p99=at(0.99),
        p999=at(0.999),
        max=at(1.0),
    )
