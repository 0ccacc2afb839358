import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from scribe_server.protocol import SessionStatus
from scribe_server.retention import facts, runs
from scribe_server.retention.clock import Mark
from scribe_server.retention.policy import DAY_MS
from scribe_server.store.archives import rows
from scribe_server.store.schema import chunks, receipts, sessions
from tests.parts.retention import COOLING, REMOVING, RULES, archived, complete, hold, run_after
from tests.parts.store import OTHER_SESSION, SESSION, Served, served

QUERIES = {
    "hot": (facts.HOT, {"before": 1}),
    "moved": (facts.MOVED, {"before": 1, "status": "archived"}),
    "one": (facts.ONE, {"session": 1}),
    "newest chunk": (facts.NEWEST_CHUNK, {"session": 1}),
    "newest receipt": (facts.NEWEST_RECEIPT, {"session": 1}),
    "sequences": (facts.SEQUENCES, {"session": 1}),
    "last run": (facts.LAST_RUN, {}),
    "later runs": (facts.LATER_RUNS, {"run": 1}),
    "last chunk": (facts.LAST_CHUNK, {}),
    "last session": (facts.LAST_SESSION, {}),
    "archive of a session": (rows.OF_SESSION, {"session": 1}),
    "key of an archive": (rows.KEY_OF, {"archive": 1}),
    "archive with a key": (rows.WITH_KEY, {"key": "a"}),
    "newest run": (runs.NEWEST_RUN, {}),
    "last good run": (runs.LAST_GOOD_RUN, {}),
    "in a status": (runs.IN_STATUS, {"status": "cold"}),
}
FROM_THE_END = {"last run", "last chunk", "last session", "newest run", "last good run"}
"""Read backwards by their ids, and left after the first row that fits."""


def found(server: Served, **options: object) -> list[facts.Candidate]:
    rules = options.get("rules", RULES)
    now = options.get("now", server.clock())
    with server.store.database.snapshot() as connection:
        return list(facts.candidates(connection, rules, now))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_uses_an_index(tmp_path: Path, name: str) -> None:
    asked, values = QUERIES[name]
    with served(tmp_path) as server, server.store.database.snapshot() as connection:
        compiled = asked.params(**values).compile(
            connection.engine, compile_kwargs={"literal_binds": True}
        )
        listed = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
    steps = [row.detail for row in listed]
    assert steps
    scanned = [step for step in steps if step.startswith("SCAN") and "USING" not in step]
    assert len(scanned) == (name in FROM_THE_END), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


def test_a_session_counts_from_the_last_of_end_chunk_and_receipt(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        for table, column, row in (
            (sessions, "stopped_at", 1),
            (chunks, "created_at", 2),
            (receipts, "created_at", 1),
        ):
            with server.store.database.transaction() as connection:
                for each, name in (
                    (sessions, "stopped_at"),
                    (chunks, "created_at"),
                    (receipts, "created_at"),
                ):
                    connection.execute(update(each).values({name: 1000}))
                connection.execute(update(table).where(table.c.id == row).values({column: 5000}))
            (one,) = found(server)
            assert one.facts.completed_at == 5000


def test_only_what_is_old_enough_is_looked_at(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        asyncio.run(server.record(server.owner(), [0], OTHER_SESSION))  # never stopped
        now = server.clock()
        assert found(server, now=now + 6 * DAY_MS) == []
        (one,) = found(server, now=now + 8 * DAY_MS)
        assert (one.uuid, one.user, one.session) == (SESSION, "anna", 1)
        assert one.facts.status is SessionStatus.COMPLETE
        assert (one.facts.moved_at, one.facts.held) == (None, False)
        hold(server)
        assert found(server, now=now + 8 * DAY_MS)[0].facts.held


def test_an_archive_counts_from_when_it_was_made_and_zero_days_are_not_asked_for(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        now = server.clock()
        assert found(server, now=now + 29 * DAY_MS) == []
        (one,) = found(server, now=now + 31 * DAY_MS)
        assert one.facts.status is SessionStatus.ARCHIVED
        assert one.facts.moved_at is not None
        assert one.facts.moved_at <= now
        asyncio.run(run_after(server, 31, COOLING))
        now = server.clock()
        assert found(server, rules=COOLING, now=now + 999 * DAY_MS) == []
        (cold,) = found(server, rules=REMOVING, now=now + 91 * DAY_MS)
        assert cold.facts.status is SessionStatus.COLD


def test_one_session_is_found_by_its_id(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        with server.store.database.snapshot() as connection:
            one = facts.candidate(connection, 1, RULES)
            assert one is not None
            assert one.uuid == SESSION
            assert facts.candidate(connection, 2, RULES) is None


def test_the_last_clock_that_was_believed_is_the_last_runs(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        with server.store.database.transaction() as connection:
            assert facts.marks(connection) == []
        asyncio.run(complete(server, server.owner()))
        with server.store.database.transaction() as connection:
            (newest,) = facts.marks(connection)
            assert newest.uptime_ms == 0
            assert newest.wall_ms < server.clock()
            runs.begin_run(connection, 50, 4, "the clock")
            assert facts.marks(connection) == [newest, Mark(50, 4)]
            runs.begin_run(connection, 77, 5, None)
            runs.begin_run(connection, 99, 6, "the clock")
            assert facts.marks(connection) == [Mark(77, 5), Mark(99, 6)]
