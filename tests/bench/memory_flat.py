"""Figure 4: memory does not grow with what was recorded, nor with what a rude client sends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.driving import Loaded, Server, drive, job_for
from tests.bench.figures import Run, second_half, slope, spread, summary, values_of
from tests.bench.results import Column, Figure, Goal, Plot, Result, Row, Series
from tests.bench.rounds import Bench, in_turn
from tests.bench.servers import scribe

CHUNKS_AN_HOUR = 120
DAY = "24 hours of one recording"
MANY = "500 recordings"
RUDE = "a client that ignores can-accept"
GOALS = (
    (Goal("4a", "24 h of one recording: memory grows by", "<=", 1, "%/h"), DAY, "slope"),
    (Goal("4b", "500 recordings: memory grows by", "<=", 1, "%/h"), MANY, "slope"),
    (Goal("4c", "a client that ignores can-accept moves memory by", "<=", 10, "MB"), RUDE, "moved"),
)
COLUMNS = (
    Column("hours", "hours recorded, each", 2),
    Column("chunks", "chunks"),
    Column("first_mb", "memory before, MB", 1),
    Column("peak_mb", "at most, MB", 1),
    Column("slope", "growth, %/h", 2),
    Column("moved", "moved by, MB", 1),
    Column("lost", "lost"),
)
NOTES = (
    f"{DAY}: chunks of 100 KB, one in flight.",
    f"{MANY}: chunks of 10 KB, one in flight each, for as long as the run lasts.",
    f"{RUDE}: one connection with 10 chunks of 100 KB in flight, then one with 1 000.",
    "The server asks for 10; what is said is how much higher memory goes with 1 000 than before.",
)
Point = tuple[float, float]


@dataclass
class Curves:
    """What the last round of each looked like: (hours recorded, MB)."""

    points: dict[str, list[Point]]

    def keep(self, name: str, load: Callable[[Server], Loaded], folder: Path) -> Run:
        """Run a load and look at memory over what was recorded."""
        with scribe(folder) as server:
            done = load(server)
        sessions = done.sessions
        points = over_hours(done.memory, done.outcome.progress, sessions)
        self.points[name] = points
        return {
            "hours": points[-1][0],
            "chunks": float(done.outcome.acked),
            "first_mb": points[0][1],
            "peak_mb": done.peak_mb,
            "slope": growth(points),
            "lost": float(done.outcome.lost + done.outcome.errors),
        }


def over_hours(
    memory: Sequence[tuple[float, int]], progress: Sequence[tuple[float, int]], sessions: int
) -> list[Point]:
    """(hours that each session has recorded, MB) out of memory and acks over time."""
    points: list[Point] = []
    at = 0
    for seconds, size in memory:
        while at + 1 < len(progress) and progress[at + 1][0] <= seconds:
            at += 1
        points.append((progress[at][1] / sessions / CHUNKS_AN_HOUR, size / 1e6))
    return points


def growth(points: Sequence[Point]) -> float:
    """% per recorded hour: the robust slope over the second half, of the memory there."""
    later = second_half(points)
    middle = spread([size for _, size in later]).median
    return slope(later) / middle * 100


def run(bench: Bench) -> Result:
    """Record for long, by many, and rudely."""
    curves = Curves({})
    contestants = {
        DAY: partial(curves.keep, DAY, partial(one_day, bench)),
        MANY: partial(curves.keep, MANY, partial(many, bench)),
        RUDE: partial(rude, bench),
    }
    runs = in_turn(bench, contestants, bench.pick(full=2, quick=1, tiny=1))
    rows = tuple(Row(name, "ours", summary(done)) for name, done in runs.items())
    figures = tuple(Figure(goal, spread(values_of(runs, name, key))) for goal, name, key in GOALS)
    return Result(
        "memory_flat",
        "Memory stays flat",
        "An hour of recording is 120 chunks; they are sent back to back, so that hours pass in "
        "seconds. Growth is the median slope of all pairs of samples (Theil-Sen) in the second "
        "half of the hours, in % of the memory there, per hour that each session has recorded. "
        "Memory is the resident memory of the server's process tree.",
        COLUMNS,
        rows,
        figures,
        tuple(
            picture(file, name, curves.points[name])
            for file, name in (("memory-day", DAY), ("memory-many", MANY))
        ),
        NOTES,
    )


def one_day(bench: Bench, server: Server) -> Loaded:
    """24 hours of one session, back to back."""
    chunks = bench.pick(full=2880, quick=2880, tiny=480)
    return drive(job_for(server, connections=1, limit=chunks, per_session=chunks, warm_s=0.0,
                         measure_s=60.0), server.pids, every_s=0.02)  # fmt: skip


def many(bench: Bench, server: Server) -> Loaded:
    """Many sessions, for as long as they may."""
    seconds = bench.pick(full=40.0, quick=10.0, tiny=1.0)
    sessions = bench.pick(full=500, quick=500, tiny=20)
    return drive(job_for(server, connections=sessions, chunk_bytes=10_000, per_session=1_000_000,
                         warm_s=0.0, measure_s=seconds), server.pids, every_s=0.1)  # fmt: skip


def rude(bench: Bench, folder: Path) -> Run:
    """How much higher memory goes when a client sends on and on."""
    seconds = bench.pick(full=5.0, quick=3.0, tiny=0.5)
    with scribe(folder) as server:
        polite, pressing = (
            drive(job_for(server, connections=1, window=window, warm_s=0.0, measure_s=seconds,
                          per_session=1_000_000), server.pids, every_s=0.02)
            for window in (10, 1000)
        )  # fmt: skip
    return {
        "chunks": float(polite.outcome.acked + pressing.outcome.acked),
        "first_mb": polite.peak_mb,
        "peak_mb": pressing.peak_mb,
        "moved": pressing.peak_mb - polite.peak_mb,
        "lost": float(sum(done.outcome.lost + done.outcome.errors for done in (polite, pressing))),
    }


def picture(file: str, name: str, points: list[Point]) -> Plot:
    """Memory over the hours."""
    hours, sizes = zip(*points, strict=True)
    return Plot(file, "lines", f"Memory: {name}", (Series("Scribe", sizes, hours),), "memory, MB",
                "hours recorded by each session")  # fmt: skip
