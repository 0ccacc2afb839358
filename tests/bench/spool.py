"""The client's queue: how fast, and how evenly, a chunk of 100 KB becomes durable."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.figures import Run, Runs, Spread, percentile, ratio, summary
from tests.bench.queues import (
    AppendedFile,
    LiteQueueFull,
    PersistQueue,
    Queue,
    ScribeSpool,
    SqliteUtilsTable,
)
from tests.bench.results import Column, Figure, Goal, Kind, Plot, Result, Row, Series
from tests.bench.rounds import Bench, Contestant, in_turn

CHUNK: Final = 100_000
APPEND: Final = "append + fdatasync"
OURS: Final = "Scribe's spool"
SQLITE_UTILS: Final = "sqlite-utils, plain insert"
PERSIST_QUEUE: Final = "persist-queue, SQLiteAckQueue"
LITEQUEUE: Final = "litequeue, synchronous=FULL"

QUEUES: Final[dict[str, tuple[Callable[[Path, bytes], Queue], Kind]]] = {
    APPEND: (AppendedFile, "limit"),
    OURS: (ScribeSpool, "ours"),
    SQLITE_UTILS: (SqliteUtilsTable, "peer"),
    PERSIST_QUEUE: (PersistQueue, "peer"),
    LITEQUEUE: (LiteQueueFull, "peer"),
}
COLUMNS: Final = (
    Column("puts_s", "puts/s"),
    Column("p50_ms", "p50 ms", 2),
    Column("p99_ms", "p99 ms", 2),
    Column("p999_ms", "p99.9 ms", 1),
    Column("cpu_us", "CPU µs per put"),
    Column("of_append", "of append + fdatasync", 2),
)
ENQUEUE: Final = Goal("6a", "Spool: enqueue, of append + fdatasync in the same run", ">=", 45, "%")
TAILS: Final = (
    (
        SQLITE_UTILS,
        Goal("6b", "Spool: put p99, below sqlite-utils' plain insert", ">=", 5, "times"),
    ),
    (PERSIST_QUEUE, Goal("6c", "Spool: put p99, below persist-queue", ">=", 5, "times")),
)
WHAT: Final = """\
One thread puts chunks of 100 KB into a queue as fast as it can; each is on the disk when the
call returns. Everything runs in one process, in turn. The checkpoints that SQLite makes
meanwhile are in the puts per second of all contestants."""
PEERS_SETTINGS: Final = """\
sqlite-utils and persist-queue run with their own page size of 4 KB and SQLite's checkpoint
after each 1000 pages; `synchronous` is FULL with all of them (litequeue sets NORMAL, which does
not survive a power cut, so it is set back)."""
CHECKPOINT: Final = """\
The spool's p99.9 is the checkpoint of its 32 MB of write-ahead log, once in some 200 puts. A
recorder puts one chunk in 30 s and holds seconds of sound in its ring meanwhile; while the
server acknowledges chunks, the sync thread makes the checkpoints instead."""


def put_all(make: Callable[[Path, bytes], Queue], count: int, folder: Path) -> Run:
    """Put `count` chunks and time each."""
    queue = make(folder, os.urandom(CHUNK))
    took = []
    try:
        cpu = time.process_time()
        for number in range(count):
            began = time.perf_counter()
            queue.put(number)
            took.append(time.perf_counter() - began)
        used = time.process_time() - cpu
    finally:
        queue.close()
    ordered = sorted(took)
    return {
        "puts_s": count / sum(took),
        "p50_ms": percentile(ordered, 0.5) * 1e3,
        "p99_ms": percentile(ordered, 0.99) * 1e3,
        "p999_ms": percentile(ordered, 0.999) * 1e3,
        "cpu_us": used / count * 1e6,
    }


def contestants(count: int) -> dict[str, Contestant]:
    """Every queue, by name."""
    return {name: partial(put_all, make, count) for name, (make, _) in QUEUES.items()}


def percent(share: Spread) -> Spread:
    """The same share in percent."""
    return Spread(share.median * 100, share.low * 100, share.high * 100, share.count)


def figures(runs: Runs) -> tuple[Figure, ...]:
    """What is to be reached, and what was."""
    enqueue = Figure(ENQUEUE, percent(ratio(runs, OURS, APPEND, "puts_s")))
    tails = [Figure(goal, ratio(runs, peer, OURS, "p99_ms")) for peer, goal in TAILS]
    return (enqueue, *tails)


def rows(runs: Runs) -> tuple[Row, ...]:
    """One line per queue, with its share of what the disk gives."""
    return tuple(
        Row(name, kind, summary(runs[name]) | {"of_append": ratio(runs, name, APPEND, "puts_s")})
        for name, (_, kind) in QUEUES.items()
    )


def run(bench: Bench) -> Result:
    """Measure every queue."""
    count = bench.pick(full=1000, quick=400, tiny=5)
    warm = bench.folder / "warm"
    warm.mkdir()
    put_all(ScribeSpool, 5, warm)  # sqlite-utils imports parts of itself when they are first used
    runs = in_turn(bench, contestants(count), bench.pick(full=7, quick=3, tiny=1))
    table = rows(runs)
    bars = tuple(
        Series(row.contestant, (value.median,), (), value.low, value.high, row.kind)
        for row in table
        for value in [row.values["p99_ms"]]
    )
    return Result(
        "spool",
        "The client's queue: putting",
        WHAT,
        COLUMNS,
        table,
        figures(runs),
        (Plot("spool-p99", "bars", "A durable put of 100 KB, p99", bars, "ms", log=True),),
        (PEERS_SETTINGS, CHECKPOINT),
    )
