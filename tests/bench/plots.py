"""Pictures of results as SVG that can be read on light and dark pages."""

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from tests.bench.results import Plot

PAPER, INK, FAINT = "#fdfdfd", "#1f2329", "#c9ced6"
COLOURS = {"ours": "#2f81c7", "peer": "#d9822b", "limit": "#8a929c", "cost": "#3f9a6b"}
LINES = ("#2f81c7", "#d9822b", "#3f9a6b", "#a05bb5")
# A reader in the dark gets dark paper and light ink; programs without CSS keep the light ones.
DARK = f"""<style>@media (prefers-color-scheme: dark) {{
[style*="fill: {PAPER}"] {{ fill: #16191d !important }}
[style*="fill: {INK}"] {{ fill: #e6e9ed !important }}
[style*="stroke: {INK}"] {{ stroke: #e6e9ed !important }}
[style*="stroke: {FAINT}"] {{ stroke: #444b55 !important }}
}}</style>"""
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "scribe", "font.family": "sans-serif", "font.size": 10,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK,
    "ytick.color": INK, "axes.facecolor": PAPER, "figure.facecolor": PAPER, "grid.color": FAINT,
    "savefig.facecolor": PAPER, "legend.facecolor": PAPER, "legend.edgecolor": FAINT,
    "axes.titlecolor": INK,
}  # fmt: skip


def svg_of(plot: Plot) -> str:
    """The picture; the same plot gives the same text."""
    with mpl.rc_context(SETTINGS):
        height = 1.4 + 0.36 * len(plot.series) if plot.kind == "bars" else 3.6
        figure = Figure(figsize=(8, height), layout="constrained")
        axes = figure.add_subplot()
        (bars if plot.kind == "bars" else lines)(axes, plot)
        axes.set_title(plot.title, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    head, found, rest = out.getvalue().partition("<defs>")
    assert found, "matplotlib writes its SVG in another way: where does the style go?"
    lines_ = (f"{head}{DARK}{found}{rest}").splitlines()
    return "\n".join(line.rstrip() for line in lines_) + "\n"


def bars(axes: Any, plot: Plot) -> None:
    """One bar a contestant, the first on top, with its number and its whisker."""
    for at, series in enumerate(plot.series):
        value = series.y[0]
        axes.barh(at, value, color=COLOURS[series.kind], height=0.7)
        if series.low is not None and series.high is not None:
            axes.plot([series.low, series.high], [at, at], color=INK, linewidth=1.2)
        right = max(value, series.high or 0)
        axes.annotate(
            f"{value:,.4g}" if value < 1000 else f"{value:,.0f}".replace(",", " "),
            (right, at), xytext=(5, 0), textcoords="offset points", va="center", color=INK,
        )  # fmt: skip
    axes.set_yticks(range(len(plot.series)), [series.name for series in plot.series])
    axes.invert_yaxis()
    axes.set_xlabel(plot.y_label)
    axes.margins(x=0.14)
    if plot.log:
        axes.set_xscale("log")
    axes.grid(axis="x", linewidth=0.6)
    axes.set_axisbelow(True)


def lines(axes: Any, plot: Plot) -> None:
    """Curves over a common x axis."""
    for series, colour in zip(plot.series, LINES, strict=False):
        axes.plot(series.x, series.y, color=colour, label=series.name, linewidth=1.6)
    axes.set_xlabel(plot.x_label)
    axes.set_ylabel(plot.y_label)
    if plot.log:
        axes.set_yscale("log")
        for formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            formatter(StrMethodFormatter("{x:g}"))
    else:
        axes.set_ylim(bottom=0)
    if plot.x_ticks:
        places, labels = zip(*plot.x_ticks, strict=True)
        axes.set_xticks(places, labels)
    axes.grid(linewidth=0.6)
    if len(plot.series) > 1:
        axes.legend()


def write(plots: tuple[Plot, ...], folder: Path) -> None:
    """Write the pictures into a folder."""
    for plot in plots:
        (folder / f"{plot.file}.svg").write_text(svg_of(plot), encoding="utf-8")
