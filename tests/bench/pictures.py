"""Plots out of rows that several benchmarks draw alike."""

import math

from tests.bench.results import Plot, Row, Series

QUANTILES = {"p50": (0.5, "50 %"), "p90": (0.9, "90 %"), "p99": (0.99, "99 %"),
             "p999": (0.999, "99.9 %")}  # fmt: skip


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
    """How slow the slowest chunks are, one curve a contestant; each nine is as wide as another."""
    ticks = tuple((-math.log10(1 - share), label) for share, label in QUANTILES.values())
    places = tuple(place for place, _ in ticks)
    series = tuple(
        Series(row.contestant, tuple(row.values[key].median for key in QUANTILES), places)
        for row in rows
    )
    label = "share of all chunks that are acknowledged within that time"
    return Plot(file, "lines", title, series, "latency, ms", label, log=True, x_ticks=ticks)
