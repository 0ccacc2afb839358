"""The report as one page with plots: SVG inside, no scripts, nothing loaded from elsewhere."""

import io
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Final

from scribe_server.loadtest.report import Report, Snapshot
from scribe_server.loadtest.words import closing_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MB: Final = 1_000_000
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#222;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;text-align:left;"
    "border-bottom:1px solid #ddd}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "figure{margin:1.5rem 0}svg{max-width:100%;height:auto}"
    ".passed{color:#176d2f}.failed{color:#a3161f}"
)
_BLUE: Final = "#2f6fb5"
_COLOURS: Final = (_BLUE, "#d9822b", "#7a7a7a")


def page(report: Report) -> str:
    """The page as HTML; needs matplotlib."""
    verdict = "passed" if report.passed else "failed"
    lines = "".join(f"<li>{escape(line)}</li>" for line in closing_words(report))
    plots = "".join(f"<figure>{svg}</figure>" for svg in _plots(report))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Load test: {verdict}</title><style>{_STYLE}</style></head><body>"
        f'<h1>Load test: <span class="{verdict}">{verdict}</span></h1>'
        f"<p>{escape(_what(report))}</p><ul>{lines}</ul>{plots}{_limits(report)}"
        "</body></html>\n"
    )


def _what(report: Report) -> str:
    load, machine = report.load, report.machine
    trouble = f", {', '.join(load.scenarios)}" if load.scenarios else ""
    return (
        f"{load.sessions} sessions, {load.pace}, {load.chunk_kind} chunks of about "
        f"{load.chunk_bytes / 1000:.0f} KB{trouble}. {report.started_at}, Scribe {report.version}, "
        f"{machine.system}, Python {machine.python}, {machine.cpus} CPUs."
    )


def _limits(report: Report) -> str:
    rows = "".join(
        f'<tr><td>{escape(limit.name)}</td><td class="n">{limit.limit:g}</td>'
        f'<td class="n">{"unknown" if limit.value is None else f"{limit.value:g}"}</td>'
        f"<td>{'held' if limit.held else 'not held'}</td></tr>"
        for limit in report.limits
    )
    return f"<table><tr><th>limit</th><th></th><th>was</th><th></th></tr>{rows}</table>"


def _plots(report: Report) -> Iterator[str]:
    """One SVG for each thing that there is something to show of."""
    latency = report.latency
    shares = {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99, "p99.9": latency.p999}
    known = {name: value for name, value in shares.items() if value is not None}
    if known:
        yield _figure("Latency from the scheduled time", "ms", lambda axes: _bars(axes, known))
    snapshots = report.snapshots
    if len(snapshots) > 1:
        yield _figure("Memory of the server", "MB", lambda axes: _memory(axes, snapshots))
        yield _figure("Acknowledged", "chunks", lambda axes: _acked(axes, snapshots))
        if snapshots[0].segments_bytes is not None:
            yield _figure("Disk of the server", "MB", lambda axes: _disk(axes, snapshots))


def _figure(title: str, unit: str, draw: Callable[[Any], None]) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8, 3), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title, loc="left")
        axes.set_ylabel(unit)
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        axes.set_ylim(bottom=0)
        output = io.StringIO()
        figure.savefig(output, format="svg", metadata={"Date": None, "Creator": None})
    svg = output.getvalue()
    return svg[svg.index("<svg") :]


def _bars(axes: "Axes", values: dict[str, float]) -> None:
    bars = axes.bar(list(values), list(values.values()), color=_BLUE, width=0.5)
    axes.bar_label(bars, fmt="%.1f")


def _memory(axes: "Axes", snapshots: Sequence[Snapshot]) -> None:
    axes.plot([s.at_s for s in snapshots], [s.rss_bytes / _MB for s in snapshots], color=_BLUE)
    axes.set_xlabel("s")


def _acked(axes: "Axes", snapshots: Sequence[Snapshot]) -> None:
    axes.plot([s.at_s for s in snapshots], [s.acked for s in snapshots], color=_BLUE)
    axes.set_xlabel("s")


def _disk(axes: "Axes", snapshots: Sequence[Snapshot]) -> None:
    kinds = {
        "segments": [(s.segments_bytes or 0) / _MB for s in snapshots],
        "database": [(s.database_bytes or 0) / _MB for s in snapshots],
        "other": [(s.other_bytes or 0) / _MB for s in snapshots],
    }
    times = [s.at_s for s in snapshots]
    axes.stackplot(times, *kinds.values(), labels=list(kinds), colors=_COLOURS)
    axes.legend(loc="upper left")
    axes.set_xlabel("s")
