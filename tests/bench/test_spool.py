import sqlite3
from pathlib import Path

import pytest

from tests.bench import spool
from tests.bench.queues import LiteQueueFull, PersistQueue, ScribeSpool, SqliteUtilsTable
from tests.bench.rounds import Bench

CHUNK = b"chunk" * 1000


def synchronous(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA synchronous").fetchone()[0])


def test_every_queue_keeps_what_is_put_and_waits_for_the_disk(tmp_path: Path) -> None:
    ours = ScribeSpool(tmp_path, CHUNK)
    table = SqliteUtilsTable(tmp_path, CHUNK)
    persist = PersistQueue(tmp_path, CHUNK)
    (tmp_path / "lite").mkdir()
    lite = LiteQueueFull(tmp_path / "lite", CHUNK)
    for queue in (ours, table, persist, lite):
        for number in range(3):
            queue.put(number)

    assert ours.spool.pending() == table.database["chunks"].count == persist.queue.size == 3
    assert lite.queue.qsize() == 3
    assert persist.queue.get(block=False) == {"sequence": 0, "data": CHUNK}
    connections = [ours.spool._db.conn, table.database.conn, persist.queue._putter, lite.queue.conn]
    assert [synchronous(connection) for connection in connections] == [2] * 4


def test_all_queues_are_measured_and_compared(tmp_path: Path) -> None:
    result = spool.run(Bench("tiny", tmp_path, lambda _: None))

    assert [row.contestant for row in result.rows] == list(spool.QUEUES)
    assert {column.key for column in result.columns} <= set(result.rows[0].values)
    assert [figure.goal.figure for figure in result.figures] == ["6a", "6b", "6c"]


def test_the_figures_compare_puts_with_the_disk_and_tails_with_the_peers() -> None:
    runs = {
        name: [{"puts_s": puts, "p99_ms": p99}]
        for name, puts, p99 in [
            (spool.APPEND, 4000, 0.1),
            (spool.OURS, 2000, 0.5),
            (spool.SQLITE_UTILS, 2000, 5.0),
            (spool.PERSIST_QUEUE, 2000, 2.0),
        ]
    }

    measured = [figure.measured.median for figure in spool.figures(runs)]

    assert measured == pytest.approx([50, 10, 4])
    assert [figure.reached for figure in spool.figures(runs)] == [True, True, False]
