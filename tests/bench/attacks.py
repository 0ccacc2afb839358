"""Figure 8: strangers attack, and those who record hardly notice."""

from functools import partial
from pathlib import Path

from tests.bench.attacking import SILENT, SLOW_HEADERS, WORKERS, Attacker
from tests.bench.driving import Server, drive, job_for
from tests.bench.figures import Run, Runs, ratio, spread, summary
from tests.bench.pictures import latencies
from tests.bench.results import Column, Figure, Goal, Kind, Result, Row
from tests.bench.rounds import Bench, Contestant, in_turn
from tests.parts.server import ServerProcess

QUIET = "nobody attacks"
ATTACKED = "under attack"
SESSIONS = 50
CHUNK_BYTES = 10_000
RATE = 200.0
KINDS: dict[str, Kind] = {QUIET: "cost", ATTACKED: "ours"}
MEDIAN = Goal("8a", "an ack under attack, of one without: the median", "<=", 2, "times")
SLOWEST = Goal("8b", "an ack under attack, of one without: p99", "<=", 5, "times")
LOST = Goal("8c", "under attack: chunks lost or refused", "<=", 0)
COLUMNS = (
    Column("p50", "p50, ms", 2),
    Column("p90", "p90, ms", 2),
    Column("p99", "p99, ms", 2),
    Column("p999", "p99.9, ms", 2),
    Column("attacks_s", "attacks/s"),
    Column("cpu_share", "CPU of the server, % of a core"),
    Column("peak_mb", "memory, MB"),
    Column("errors", "errors"),
)


def run(bench: Bench) -> Result:
    """Measure the same recorders with and without an attacker beside them, in turn."""
    contestants: dict[str, Contestant] = {
        QUIET: partial(loaded, bench, attacked=False),
        ATTACKED: partial(loaded, bench, attacked=True),
    }
    return result(in_turn(bench, contestants, bench.pick(full=3, quick=2, tiny=1)))


def loaded(bench: Bench, folder: Path, *, attacked: bool) -> Run:
    """One server under this load, and perhaps under attack by another user."""
    with ServerProcess(folder / "data", users=("ann", "bob")) as running:
        server = Server(running.url, "scribe", (running.pid,), running.tokens["ann"])
        job = job_for(
            server,
            connections=SESSIONS,
            chunk_bytes=CHUNK_BYTES,
            rate=RATE,
            per_session=10_000,
            warm_s=bench.pick(full=1.0, quick=1.0, tiny=0.2),
            measure_s=bench.pick(full=6.0, quick=4.0, tiny=0.5),
        )
        if not attacked:
            return {**drive(job, server.pids).run(), "attacks_s": 0.0}
        with Attacker(server.url, running.tokens["bob"]) as attacker:
            measured = drive(job, server.pids)
        done = attacker.done
    if not all((done.packets, done.fields, done.frames, done.tokens, done.silent)):
        raise RuntimeError(f"not everything was tried: {done}")
    return {**measured.run(), "attacks_s": done.total / attacker.seconds}


def result(runs: Runs) -> Result:
    """Goals, table and picture out of the rounds."""
    rows = tuple(Row(name, KINDS[name], summary(done)) for name, done in runs.items())
    failed = [run["errors"] + run["lost"] for run in runs[ATTACKED]]
    return Result(
        "attacks",
        "Under attack",
        f"{SESSIONS} connections send {RATE:.0f} chunks of {CHUNK_BYTES // 1000} KB a second "
        f"together, at scheduled times; beside them another user's {WORKERS} connections at a time "
        "go through the corpus of the attack tests: packets that are none, frames of 9 to 64 MB, "
        "wrong types, ids of a megabyte, noise, wrong tokens; "
        f"{SILENT} more connections say nothing and {SLOW_HEADERS} never end their headers. The "
        "attacker works as fast as it can, on the cores that server and recorders use, too.",
        COLUMNS,
        rows,
        (
            Figure(MEDIAN, ratio(runs, ATTACKED, QUIET, "p50")),
            Figure(SLOWEST, ratio(runs, ATTACKED, QUIET, "p99")),
            Figure(LOST, spread(failed)),
        ),
        (latencies("attacks", "Latency with and without an attack", rows),),
    )
