import asyncio
from pathlib import Path

from scribe_server.retention import runs
from scribe_server.retention.policy import Step
from scribe_server.retention.runs import Counts
from tests.parts.store import SESSION, served


def test_a_run_is_kept_with_what_it_did(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.store.database.transaction() as connection:
        assert runs.newest_run(connection) is None
        assert runs.last_good_run(connection) is None
        run = runs.begin_run(connection, 5, 50, None)
        assert runs.last_good_run(connection) is None
        runs.end_run(connection, run, 9, Counts(archived=3, failed=1, bytes=77))
        row = runs.newest_run(connection)
        assert row is not None
        assert (row.started_at, row.uptime, row.ended_at) == (5, 50, 9)
        assert (row.archived, row.failed, row.bytes, row.refused) == (3, 1, 77, None)
        assert runs.last_good_run(connection) == 5


def test_a_refused_run_is_no_good_one(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.store.database.transaction() as connection:
        runs.begin_run(connection, 5, 50, "the clock")
        row = runs.newest_run(connection)
        assert row is not None
        assert (row.refused, row.ended_at) == ("the clock", 5)
        assert runs.last_good_run(connection) is None


def test_a_problem_is_kept_once_and_counted(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        with server.store.database.transaction() as connection:
            runs.note_problem(connection, 1, Step.ARCHIVE, "x" * 5000, 3)
            runs.note_problem(connection, 1, Step.ARCHIVE, "the disk", 4)
            runs.note_problem(connection, 99, Step.ARCHIVE, "of a session that is gone", 4)
            (row,) = runs.problems(connection)
        assert (row.uuid, row.user, row.step) == (SESSION, "anna", "archive")
        assert (row.reason, row.at, row.attempts) == ("the disk", 4, 2)
