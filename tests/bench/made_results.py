"""A made-up report for the tests of what is done with one."""

from tests.bench.figures import Spread
from tests.bench.results import (
    Claim,
    Column,
    Figure,
    Goal,
    Measured,
    Plot,
    Report,
    Result,
    Row,
    Series,
)


def once(value: float) -> Spread:
    """One round."""
    return Spread(value, value, value, 1)


FAST = Goal("1a", "chunks per second, ours over theirs", ">=", 4.0, "times")
SMALL = Goal("2", "memory", "<=", 700.0, "MB")
RESULT = Result(
    "ingest",
    "Durable ingest",
    "Both store what they get.",
    (Column("per_s", "chunks/s"), Column("p99", "p99, ms", 1)),
    (
        Row("Scribe", "ours", {"per_s": Spread(4000, 3900, 4100, 3), "p99": once(12.34)}),
        Row("theirs | plain", "peer", {"per_s": once(1000)}),
    ),
    (Figure(FAST, Spread(3.0, 2.5, 4.5, 3)), Figure(SMALL, once(350.0))),
    (
        Plot(
            "ingest",
            "bars",
            "Durable ingest",
            (Series("Scribe", (4000,), (), 3900, 4100), Series("theirs", (1000,), kind="peer")),
            "chunks/s",
        ),
    ),
    ("It rained.",),
    (Claim("throughput", "500 KB/s", "400 000 KB/s"),),
)
REPORT = Report((("CPU", "one"),), (Measured(RESULT, "2026-01-02", "full", 61.0, 0.25),))
