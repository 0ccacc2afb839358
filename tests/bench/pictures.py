"""Plots out of rows that several benchmarks draw alike."""

import math

from tests.bench.results import Plot, Row, Series

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


def bars(file: str, title: str, rows: tuple[Row, ...], key: str, label: str) -> Plot:
    """One bar a contestant."""
    series = tuple(
        Series(row.contestant, (value.median,), (), value.low, value.high, row.kind)
        for row in rows
        if row.kind != "limit"
        for value in [row.values[key]]
    )
    return Plot(file, "bars", title, series, label)


def latencies(file: str, title: str, rows: tuple[Row, ...]) -> Plot:
    """How slow the slowest chunks are, one curve a contestant, over the nines of the share."""
    shares = tuple(-math.log10(1 - share) for share in QUANTILES.values())
    series = tuple(
        Series(row.contestant, tuple(row.values[key].median for key in QUANTILES), shares)
        for row in rows
    )
    label = "nines of all chunks (0.3: half of them, 1: 90 %, 2: 99 %, 3: 99.9 %)"
    return Plot(file, "lines", title, series, "latency, ms", label, log=True)
