"""What the person sees meanwhile: a live line on a terminal, a line now and then elsewhere."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Protocol

from scribe_server.loadtest.job import Counts
from scribe_server.loadtest.latency import percentile
from scribe_server.loadtest.report import Snapshot

_PLAIN_EVERY_S: Final = 5.0
_RECENT: Final = 5_000
MB: Final = 1_000_000


@dataclass(frozen=True)
class View:
    """One moment of a run. `expected` is None when only time limits the chunks."""

    phase: str
    counts: Counts
    expected: int | None
    kb_per_s: float
    p50_ms: float | None
    p99_ms: float | None
    server: Snapshot | None


class Screen(Protocol):
    """Shows a run."""

    def say(self, words: str) -> None:
        """A line that stays."""

    def show(self, view: View) -> None:
        """The newest moment."""

    def close(self) -> None:
        """The run is over."""


class PlainScreen:
    """Lines of text, at most one view in five seconds."""

    def __init__(self, write: Any) -> None:
        self._write = write
        self._shown = -_PLAIN_EVERY_S

    def say(self, words: str) -> None:
        """Write a line."""
        self._write(words)

    def show(self, view: View) -> None:
        """Write a line if the last one is old enough."""
        now = time.monotonic()
        if now - self._shown >= _PLAIN_EVERY_S:
            self._shown = now
            self._write(words_of(view))

    def close(self) -> None:
        """Nothing is left to do."""


class LiveScreen:
    """A line that changes in place, with a bar, by rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.fields[phase]:<10}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("load", total=None, phase="starting", words="")
        self._bar.start()

    def say(self, words: str) -> None:
        """Write a line above the bar."""
        self._console.print(words, highlight=False, markup=False)

    def show(self, view: View) -> None:
        """Move the bar."""
        self._bar.update(
            self._task,
            total=view.expected,
            completed=view.counts.acked,
            phase=view.phase,
            words=words_of(view, with_phase=False),
        )

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class Recent:
    """The latest latencies, ms, for the display only."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=_RECENT)

    def add(self, values: list[float]) -> None:
        """Take what is new."""
        self._values.extend(values)

    def percentiles(self) -> tuple[float | None, float | None]:
        """The median and the 99th percentile of what is kept."""
        ascending = sorted(self._values)
        return percentile(ascending, 0.5), percentile(ascending, 0.99)


def words_of(view: View, *, with_phase: bool = True) -> str:
    """One moment as a line of text."""
    counts = view.counts
    expected = "" if view.expected is None else f"/{view.expected}"
    parts = [f"{counts.acked}{expected} chunks", f"{view.kb_per_s:.0f} KB/s"]
    if view.p50_ms is not None and view.p99_ms is not None:
        parts.append(f"p50 {view.p50_ms:.1f} ms, p99 {view.p99_ms:.1f} ms")
    if view.server is not None:
        parts.append(f"server {view.server.rss_bytes / MB:.0f} MB")
        if view.server.segments_bytes is not None and view.server.database_bytes is not None:
            disk = view.server.segments_bytes + view.server.database_bytes
            parts.append(f"disk {disk / MB:.0f} MB")
    if counts.held:
        parts.append(f"{counts.held} sessions hold")
    if counts.errors:
        parts.append(f"{sum(counts.errors.values())} errors")
    return (f"{view.phase}: " if with_phase else "") + ", ".join(parts)
