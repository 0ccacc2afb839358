"""Figure 1: how many chunks a second become durable, and what each costs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from tests.bench import raw_disk, servers
from tests.bench.driving import Server, drive, job_for
from tests.bench.figures import Run, Runs, Spread, ratio, summary
from tests.bench.pictures import bars
from tests.bench.render import number
from tests.bench.results import Claim, Column, Figure, Goal, Kind, Result, Row
from tests.bench.rounds import Bench, Contestant, in_turn

OURS = "Scribe"
POSTGRES = "Node socket.io + file + PostgreSQL, file not synced"
POSTGRES_FSYNC = "Node socket.io + file + PostgreSQL, with fsync"
NODE = "Node socket.io, stores nothing"
TUS = "@tus/server, not synced"
SOCKETIO = "python-socketio + aiohttp, stores nothing"
THIN = "the same packets on picows, stores nothing"
CHUNK_KB = 100
DISK = "the disk alone: O_DIRECT, batches of 40"

Start = Callable[[Path], AbstractContextManager[Server]]
SERVERS: dict[str, tuple[Kind, Start]] = {
    OURS: ("ours", servers.scribe),
    POSTGRES: ("peer", servers.node_file_postgres),
    POSTGRES_FSYNC: ("peer", partial(servers.node_file_postgres, fsync=True)),
    NODE: ("peer", servers.node_plain),
    TUS: ("peer", servers.tus),
    SOCKETIO: ("cost", servers.python_socketio),
    THIN: ("cost", servers.thin),
}
IN_QUICK = (OURS, POSTGRES, NODE, TUS, SOCKETIO)
COLUMNS = (
    Column("chunks_s", "chunks/s"),
    Column("cpu_us", "CPU µs per chunk"),
    Column("p50", "p50, ms", 1),
    Column("p99", "p99, ms", 1),
    Column("peak_mb", "memory, MB"),
    Column("errors", "errors"),
)
GOALS: tuple[tuple[Goal, Callable[[Runs], Spread]], ...] = (
    (
        Goal("1a", "durable ingest over Node + file + PostgreSQL, no fsync", ">=", 3.5, "times"),
        lambda runs: ratio(runs, OURS, POSTGRES, "chunks_s"),
    ),
    (
        Goal("1b", "durable ingest over @tus/server", ">=", 4.0, "times"),
        lambda runs: ratio(runs, OURS, TUS, "chunks_s"),
    ),
    (
        Goal("1c", "durable ingest over Node socket.io that stores nothing", ">=", 1.2, "times"),
        lambda runs: ratio(runs, OURS, NODE, "chunks_s"),
    ),
    (
        Goal("1d", "CPU per chunk, of Node + file + PostgreSQL's", "<=", 0.2, "times"),
        lambda runs: ratio(runs, OURS, POSTGRES, "cpu_us"),
    ),
    (
        Goal("1e", "durable ingest, of what the disk alone takes", ">=", 20.0, "%"),
        lambda runs: scaled(ratio(runs, OURS, DISK, "chunks_s"), 100),
    ),
)


def run(bench: Bench) -> Result:
    """Load every server in turn with 100 connections that each send chunk after chunk."""
    chosen = {
        name: entry for name, entry in SERVERS.items() if bench.size == "full" or name in IN_QUICK
    }
    contestants: dict[str, Contestant] = {
        name: partial(loaded, start, bench) for name, (_, start) in chosen.items()
    }
    contestants[DISK] = partial(
        raw_disk.append, raw_disk.Way(40, direct=True), bench.pick(full=1.0, quick=0.5, tiny=0.1)
    )
    runs = in_turn(bench, contestants, bench.pick(full=5, quick=2, tiny=1))
    return result(runs)


def loaded(start: Start, bench: Bench, folder: Path) -> Run:
    """One server under one load."""
    with start(folder) as server:
        job = job_for(
            server,
            connections=100,
            warm_s=bench.pick(full=1.0, quick=1.0, tiny=0.2),
            measure_s=bench.pick(full=4.0, quick=2.0, tiny=0.5),
        )
        return drive(job, server.pids).run()


def scaled(values: Spread, factor: float) -> Spread:
    """All of a spread times a factor."""
    return Spread(values.median * factor, values.low * factor, values.high * factor, values.count)


def result(runs: Runs) -> Result:
    """Goals, table and pictures out of the rounds."""
    kinds: dict[str, Kind] = {name: kind for name, (kind, _) in SERVERS.items()}
    rows = tuple(Row(name, kinds.get(name, "limit"), summary(done)) for name, done in runs.items())
    return Result(
        "ingest",
        "Durable ingest",
        "100 connections, each with one chunk of 100 KB in flight: the next goes out when the ack "
        "is there. Scribe acknowledges after fdatasync and the row's commit; the peers that store "
        "acknowledge after their writes have returned, which only the one “with fsync” makes "
        "durable: what the kernel writes down later is neither waited for nor counted as theirs. "
        "The last three store nothing or speak no protocol: they show what the transport costs and "
        "what the disk allows.",
        COLUMNS,
        rows,
        tuple(Figure(goal, measured(runs)) for goal, measured in GOALS),
        (bars("ingest", "Chunks of 100 KB, closed loop", rows, "chunks_s", "chunks/s"),
         bars("ingest-cpu", "CPU time per chunk", rows, "cpu_us", "µs of the process tree")),
        transport_notes(runs),
        (claim(rows[0]),),
    )  # fmt: skip


def transport_notes(runs: Runs) -> tuple[str, ...]:
    """How much of our time is python-socketio's."""
    ours, stock = (summary(runs[name])["cpu_us"].median for name in (OURS, SOCKETIO))
    cost = (
        "What the transport costs: python-socketio on aiohttp that stores nothing takes "
        f"{stock:.0f} µs per chunk, {stock / ours * 100:.0f} % of Scribe's {ours:.0f} µs."
    )
    if THIN not in runs:
        return (cost,)
    least = summary(runs[THIN])["cpu_us"].median
    saving = (
        f"A thinner path: the same packets read by hand on picows take {least:.0f} µs. "
        f"Behind `sockets/` it would save up to {stock - least:.0f} µs per chunk, and leave "
        f"{ours - stock + least:.0f} µs."
    )
    return (cost, saving)


def claim(ours: Row) -> Claim:
    """The original's throughput beside ours."""
    rate = ours.values["chunks_s"].median * CHUNK_KB
    text = f"{number(rate, 0)} KB/s, durable, with 100 recordings at once"
    return Claim("Throughput", "500 KB/s", text)
