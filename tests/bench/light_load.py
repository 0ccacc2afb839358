"""Figure 3: fifty people record, and the server has time for each."""

from functools import partial
from pathlib import Path

from tests.bench import servers
from tests.bench.driving import drive, job_for
from tests.bench.figures import Run, Runs, spread, summary, values_of
from tests.bench.ingest import OURS, POSTGRES, Start
from tests.bench.pictures import latencies
from tests.bench.results import Claim, Column, Figure, Goal, Kind, Result, Row
from tests.bench.rounds import Bench, Contestant, in_turn

SESSIONS = 50
CHUNK_BYTES = 10_000
GOAL = Goal("3", "50 recordings of 10 KB/s: 99 of 100 acks come within", "<=", 5, "ms")
COLUMNS = (
    Column("p50", "p50, ms", 2),
    Column("p90", "p90, ms", 2),
    Column("p99", "p99, ms", 2),
    Column("p999", "p99.9, ms", 2),
    Column("cpu_us", "CPU µs per chunk"),
    Column("peak_mb", "memory, MB"),
    Column("errors", "errors"),
)
STARTS: dict[str, tuple[Kind, Start]] = {
    OURS: ("ours", servers.scribe),
    POSTGRES: ("peer", servers.node_file_postgres),
}


def run(bench: Bench) -> Result:
    """Load ours and the peer that stores."""
    contestants: dict[str, Contestant] = {
        name: partial(loaded, start, bench) for name, (_, start) in STARTS.items()
    }
    runs = in_turn(bench, contestants, bench.pick(full=3, quick=3, tiny=1))
    rows = tuple(Row(name, STARTS[name][0], summary(done)) for name, done in runs.items())
    return Result(
        "light_load",
        "Fifty recordings",
        f"{SESSIONS} connections that each send a chunk of {CHUNK_BYTES // 1000} KB every second, "
        "at scheduled times. A recording of 10 KB/s would really send 300 KB every 30 s; the small "
        "chunks make thirty times as many acks out of the same bytes, which is harder.",
        COLUMNS,
        rows,
        (Figure(GOAL, spread(values_of(runs, OURS, "p99"))),),
        (latencies("light-load", "Latency of 50 recordings", rows),),
        claims=claims(runs),
    )


def loaded(start: Start, bench: Bench, folder: Path) -> Run:
    """One server under this load."""
    with start(folder) as server:
        job = job_for(
            server,
            connections=SESSIONS,
            chunk_bytes=CHUNK_BYTES,
            rate=float(SESSIONS),
            per_session=10_000,
            warm_s=bench.pick(full=2.0, quick=1.0, tiny=0.5),
            measure_s=bench.pick(full=15.0, quick=4.0, tiny=1.0),
        )
        return drive(job, server.pids).run()


def claims(runs: Runs) -> tuple[Claim, ...]:
    """What the original says of latency and memory."""
    ours = summary(runs[OURS])
    latency = f"{ours['p50'].median:.1f} ms in the middle, p99 {ours['p99'].median:.1f} ms"
    memory = f"{ours['peak_mb'].high:.0f} MB at most, of the server's process tree"
    return (
        Claim("Latency of an ack", "50 to 100 ms", f"{latency}, durable, with 50 recordings"),
        Claim("Memory of the server", "80 MB", f"{memory}, with 50 recordings"),
        Claim("Memory for 50 recordings", "4 GB", memory),
    )
