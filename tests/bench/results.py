"""What a benchmark returns: goals, figures, tables, plots, claims. Frozen, and the same as JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

from tests.bench.figures import Spread

Comparison = Literal[">=", "<="]
Kind = Literal["ours", "peer", "limit", "cost"]
"""`limit`: what the hardware gives. `cost`: a stand-in that shows what one part of us costs."""
Size = Literal["full", "quick", "tiny"]


@dataclass(frozen=True)
class Goal:
    """What is to be reached: figure "1a", compared with a number of `unit`."""

    figure: str
    text: str
    comparison: Comparison
    number: float
    unit: str = ""

    def reached_by(self, value: float) -> bool:
        """Whether this value is good enough."""
        return value >= self.number if self.comparison == ">=" else value <= self.number

    def missed_by(self, value: float) -> float:
        """By which share of the goal the value misses it; 0 when it is reached."""
        if self.reached_by(value):
            return 0.0
        return abs(value - self.number) / abs(self.number) if self.number else math.inf


@dataclass(frozen=True)
class Figure:
    """A goal and what was measured."""

    goal: Goal
    measured: Spread

    @property
    def reached(self) -> bool:
        """Whether the median is good enough."""
        return self.goal.reached_by(self.measured.median)


@dataclass(frozen=True)
class Column:
    """One value of the table: its key in the rows, its heading, and digits after the point."""

    key: str
    heading: str
    digits: int = 0


@dataclass(frozen=True)
class Row:
    """One contestant; a value that it does not have is left out."""

    contestant: str
    kind: Kind
    values: Mapping[str, Spread]


@dataclass(frozen=True)
class Series:
    """A line (x and y of one length), or a bar (one y; `low` and `high` are its whisker)."""

    name: str
    y: tuple[float, ...]
    x: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    kind: Kind = "ours"


@dataclass(frozen=True)
class Plot:
    """One picture: `file` is its name without suffix; `x_ticks` are (place, label) pairs."""

    file: str
    kind: Literal["bars", "lines"]
    title: str
    series: tuple[Series, ...]
    y_label: str
    x_label: str = ""
    log: bool = False
    x_ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Claim:
    """What the original says of itself beside what was measured here."""

    what: str
    original: str
    ours: str


@dataclass(frozen=True)
class Result:
    """All that one benchmark found: `what` is a paragraph, `notes` stand below the table."""

    name: str
    title: str
    what: str
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    figures: tuple[Figure, ...] = ()
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Measured:
    """A result, and when and how it was made: load is the 1-minute average at its start."""

    result: Result
    at: str
    size: Size
    took_s: float
    load: float


@dataclass(frozen=True)
class Report:
    """Everything that docs/PERFORMANCE.md is made from; `machine` is (name, description) pairs."""

    machine: tuple[tuple[str, str], ...]
    results: tuple[Measured, ...]


def to_json(report: Report) -> bytes:
    """The report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def from_json(data: bytes) -> Report:
    """Read a report back.

    Raises:
        msgspec.ValidationError: it is of another form.
    """
    return msgspec.json.decode(data, type=Report)


LOAD = "Load average before"
"""The one line of the machine's description that changes from run to run."""


def merged(old: Report | None, new: Report, order: tuple[str, ...]) -> Report:
    """The new report, with the old one's results of the benchmarks that did not run now.

    They stay only when machine and versions are the same: others would be described wrongly.
    """
    same = old is not None and lasting(old) == lasting(new)
    known = {measured.result.name: measured for measured in (old.results if old and same else ())}
    known |= {measured.result.name: measured for measured in new.results}
    return Report(new.machine, tuple(known[name] for name in order if name in known))


def lasting(report: Report) -> dict[str, str]:
    """The machine's description without what changes all the time."""
    return {name: text for name, text in report.machine if name != LOAD}
