"""Figure 2: 10 000 people record at once, each sending a chunk of 100 KB every 30 seconds."""

from functools import partial
from pathlib import Path

from tests.bench import servers
from tests.bench.driving import drive, job_for
from tests.bench.figures import Run, spread, summary, values_of
from tests.bench.ingest import OURS, POSTGRES, Start
from tests.bench.pictures import latencies
from tests.bench.render import number
from tests.bench.results import Claim, Column, Figure, Goal, Kind, Result, Row
from tests.bench.rounds import Bench, Contestant, in_turn

EVERY_S = 30
GOALS = {
    "p99": Goal("2a", "10 000 recordings: 99 of 100 acks come within", "<=", 25, "ms"),
    "p999": Goal("2b", "10 000 recordings: 999 of 1000 acks come within", "<=", 100, "ms"),
    "lost": Goal("2c", "10 000 recordings: chunks lost or refused", "<=", 0),
    "cpu_share": Goal("2d", "10 000 recordings: processor time, of one core", "<=", 45, "%"),
    "peak_mb": Goal("2e", "10 000 recordings: memory of the process tree", "<=", 700, "MB"),
}
COLUMNS = (
    Column("connected_s", "connected in, s", 1),
    Column("chunks_s", "chunks/s"),
    Column("p50", "p50, ms", 1),
    Column("p99", "p99, ms", 1),
    Column("p999", "p99.9, ms", 1),
    Column("cpu_share", "% of a core"),
    Column("cpu_us", "CPU µs per chunk"),
    Column("peak_mb", "memory, MB"),
    Column("lost", "lost"),
)


def run(bench: Bench) -> Result:
    """Load ours and the peer that stores with as many connections."""
    starts: dict[str, tuple[Kind, Start]] = {OURS: ("ours", servers.scribe)}
    if bench.size == "full":
        starts[POSTGRES] = ("peer", servers.node_file_postgres)
    contestants: dict[str, Contestant] = {
        name: partial(loaded, start, bench) for name, (_, start) in starts.items()
    }
    runs = in_turn(bench, contestants, bench.pick(full=2, quick=1, tiny=1))
    rows = tuple(Row(name, starts[name][0], summary(done)) for name, done in runs.items())
    figures = tuple(Figure(goal, spread(values_of(runs, OURS, key))) for key, goal in GOALS.items())
    sessions = sessions_of(bench)
    return Result(
        "sessions_10000",
        "10 000 recordings at once",
        f"{number(sessions, 0)} connections, each recording one session and sending a chunk of "
        f"100 KB every {EVERY_S} s: {sessions / EVERY_S:.0f} chunks a second, at times that do not "
        "depend on the answers (open loop). Latency counts from the scheduled time, so that a "
        "server that stalls does not look better than it is.",
        COLUMNS,
        rows,
        figures,
        (latencies("sessions", f"Latency of {sessions} recordings", rows),),
        claims=claims(sessions, runs[OURS]),
    )


def sessions_of(bench: Bench) -> int:
    """How many recordings."""
    return bench.pick(full=10_000, quick=10_000, tiny=50)


def loaded(start: Start, bench: Bench, folder: Path) -> Run:
    """One server under this load."""
    sessions = sessions_of(bench)
    with start(folder) as server:
        job = job_for(
            server,
            connections=sessions,
            rate=sessions / EVERY_S,
            warm_s=bench.pick(full=5.0, quick=3.0, tiny=0.2),
            measure_s=bench.pick(full=30.0, quick=12.0, tiny=1.0),
        )
        done = drive(job, server.pids)
    values = dict(done.run())
    values["lost"] += values.pop("errors")
    return {**values, "connected_s": done.connecting_s, "sent": float(done.outcome.sent)}


def claims(sessions: int, runs: list[Run]) -> tuple[Claim, ...]:
    """What the original says of many sessions and of success."""
    sent, lost = (sum(run[key] for run in runs) for key in ("sent", "lost"))
    memory = max(run["peak_mb"] for run in runs)
    success = (
        f"{(sent - lost) / sent * 100:.4f} % ({lost:.0f} of {sent:.0f} chunks lost or refused)"
    )
    return (
        Claim("Recordings at once", "50 to 100", f"{number(sessions, 0)}, with {memory:.0f} MB"),
        Claim("Success", "99.9 %", success),
    )
