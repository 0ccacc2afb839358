"""docs/PERFORMANCE.md out of a report. Pure: the same report gives the same text."""

import math
from collections.abc import Iterator, Mapping

from tests.bench.figures import Spread
from tests.bench.results import Claim, Column, Figure, Measured, Report, Result, Row

HEAD = """\
# Performance

*This page is written by `make bench`: please change `tests/bench/`, not this page.*

Contestants run in turn (A B C, A B C, …) on one machine, and a comparison is the **median of the
ratios** of runs that followed each other, so that noise which meets both cancels out. In brackets
stand the least and the greatest round. CPU is the processor time of a server's whole process tree
divided by the chunks that it acknowledged; the load generator runs in a process of its own and is
not counted. "Acknowledged" means for Scribe: on the disk, by fdatasync. Chunks per second depend on
how busy the machine is; ratios and CPU per chunk much less.

To see it on your machine: `make bench-quick` (3 minutes) or `make bench` (15 minutes). They install
and start the peers themselves. `make bench ONLY=NAME` runs one benchmark; the others' results stay
when they come from the same machine with the same versions.
"""
TO = "\N{EN DASH}"
NOT_EXPLAINED = "Nobody has written down yet what holds it back."


def render(report: Report, notes: Mapping[str, str]) -> str:
    """The page; `notes` say by figure ("1a") what holds it back, for those that are missed."""
    parts = [HEAD, "## The machine\n", table(("", ""), report.machine)]
    figures = [(m.result.name, figure) for m in report.results for figure in m.result.figures]
    if figures:
        parts += ["## Figures to reach\n", figure_table(figures)]
        parts += missed(figures, notes)
    claims = [claim for m in report.results for claim in m.result.claims]
    if claims:
        parts += ["## What the original claims\n", claim_table(claims)]
    for measured in report.results:
        parts += section(measured)
    return "\n".join(parts)


def table(headings: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    """A Markdown table, ending with an empty line."""
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def number(value: float, digits: int) -> str:
    """A number with thousands set apart, as in 1 234.5."""
    return f"{value:,.{digits}f}".replace(",", " ")


def with_spread(values: Spread, digits: int) -> str:
    """The median, and the least and the greatest when there were several rounds."""
    text = number(values.median, digits)
    if values.count == 1:
        return text
    return f"{text} ({number(values.low, digits)}{TO}{number(values.high, digits)})"


def digits_for(values: Spread) -> int:
    """How many digits after the point a figure needs to be told apart from its goal."""
    if all(value.is_integer() for value in (values.median, values.low, values.high)):
        return 0
    size = abs(values.median)
    return 0 if size >= 100 else 1 if size >= 20 else 2


def goal_text(figure: Figure) -> str:
    """Such as "≥ 20 %"."""
    goal = figure.goal
    sign = {">=": "≥", "<=": "≤"}[goal.comparison]
    return f"{sign} {goal.number:g} {goal.unit}".strip()


def verdict(figure: Figure) -> str:
    """Reached, or missed by how much."""
    if figure.reached:
        return "reached"
    share = figure.goal.missed_by(figure.measured.median)
    if math.isinf(share):
        return "**missed**"
    if share < 10:
        return f"**missed by {share * 100:.0f} %**"
    return f"**missed, {share + 1:.0f}-fold**"


def command(name: str) -> str:
    """What makes a benchmark's figures."""
    return f"`make bench ONLY={name}`"


def figure_table(figures: list[tuple[str, Figure]]) -> str:
    """All figures, one a line."""
    rows = tuple(
        (
            figure.goal.figure,
            figure.goal.text,
            goal_text(figure),
            f"{with_spread(figure.measured, digits_for(figure.measured))} "
            f"{figure.goal.unit}".strip(),
            verdict(figure),
            command(name),
        )
        for name, figure in figures
    )
    return table(("", "figure", "goal", "measured", "", "made by"), rows)


def missed(figures: list[tuple[str, Figure]], notes: Mapping[str, str]) -> Iterator[str]:
    """What holds back each figure that is not reached."""
    late = [figure for _, figure in figures if not figure.reached]
    if late:
        yield "### What holds back those that are missed\n"
    for figure in late:
        text = notes.get(figure.goal.figure, NOT_EXPLAINED).strip()
        yield f"- **{figure.goal.figure}, {figure.goal.text}**: {text}\n"


def claim_table(claims: list[Claim]) -> str:
    """What the original says of itself beside what was measured here."""
    rows = tuple((claim.what, claim.original, claim.ours) for claim in claims)
    return table(("", "the original says", "measured here"), rows)


def section(measured: Measured) -> Iterator[str]:
    """One benchmark: what it is, pictures, table, notes."""
    result = measured.result
    yield f"## {result.title}\n"
    yield f"{result.what}\n"
    for plot in result.plots:
        yield f"![{plot.title}](performance/{plot.file}.svg)\n"
    if result.rows:
        yield row_table(result)
    for note in result.notes:
        yield f"- {note}"
    if result.notes:
        yield ""
    quick = "" if measured.size == "full" else f" It was a {measured.size} run."
    yield (
        f"Made by {command(result.name)} at {measured.at} in {measured.took_s:.0f} s; "
        f"load average before: {measured.load:.2f}.{quick}\n"
    )


def row_table(result: Result) -> str:
    """All contestants, one a line."""
    headings = ("", *(column.heading for column in result.columns))
    rows = tuple(
        (shown(row), *(cell(row, column) for column in result.columns)) for row in result.rows
    )
    return table(headings, rows)


def shown(row: Row) -> str:
    """The contestant's name; ours stands out."""
    return f"**{row.contestant}**" if row.kind == "ours" else row.contestant


def cell(row: Row, column: Column) -> str:
    """One value with its spread, or a dash."""
    values = row.values.get(column.key)
    return TO if values is None else with_spread(values, column.digits)
