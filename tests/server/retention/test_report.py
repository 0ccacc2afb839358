import asyncio
from pathlib import Path

import msgspec
import pytest

from scribe_server.retention import report
from scribe_server.retention.moving import Mover
from scribe_server.retention.policy import DAY_MS
from scribe_server.retention.run import plan
from scribe_server.retention.runs import newest_run
from scribe_server.store.errors import StorageFailedError
from tests.parts.retention import REMOVING, RULES, archived, complete, hold, run_after
from tests.parts.store import OTHER_SESSION, SESSION, Served, served


def last_report(server: Served) -> report.RunReport:
    with server.store.database.snapshot() as connection:
        row = newest_run(connection)
        assert row is not None
        return report.run_report(connection, row)


def test_a_dry_run_says_what_would_be_done_with_whom(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        asyncio.run(complete(server, server.owner(), session=OTHER_SESSION))
        now = server.clock() + 50 * DAY_MS
        with server.store.database.snapshot() as connection:
            blocked = report.planned_report(plan(connection, RULES, now), now, "the clock")
            cooling = report.planned_report(plan(connection, REMOVING, now), now, None)
        hold(server)
        with server.store.database.snapshot() as connection:
            held = report.planned_report(plan(connection, RULES, now), now, None)
    assert (blocked.counts.archived, blocked.counts.blocked) == (1, 1)
    assert report.run_lines(blocked) == [
        "Refused: the clock",
        f"Session {OTHER_SESSION} of anna would be archived",
        f"Session {SESSION} of anna stays: no transcript stands in for its audio",
        "Would archive 1 sessions, without audio: 0, removed: 0, kept where they are: 1, failed: 0",
    ]
    assert f"Session {SESSION} of anna would lose its audio (the texts stay)" in report.run_lines(
        cooling
    )
    assert "it is under a legal hold" in report.run_lines(held)[0]


@pytest.mark.logs_errors
def test_a_run_says_what_it_did_and_what_it_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StorageFailedError("no route")

    with served(tmp_path) as server:
        archived(server, server.owner())
        done = last_report(server)
        assert done.counts.archived == 1
        (line,) = report.run_lines(done)
        assert line == (
            f"Archived 1 sessions ({done.counts.bytes} bytes of archives), without audio: 0, "
            "removed: 0, kept where they are: 0, failed: 0"
        )
        asyncio.run(complete(server, server.owner(), session=OTHER_SESSION))
        monkeypatch.setattr(Mover, "put", failing)
        asyncio.run(run_after(server, 8))
        failed = last_report(server)
    assert report.run_lines(failed)[0] == (
        f"Session {OTHER_SESSION} of anna could not be moved (archive), 1 times: no route"
    )
    document = msgspec.json.decode(msgspec.json.encode(failed))
    assert list(document) == [
        *("version", "dryRun", "startedAt", "endedAt", "refused", "counts", "problems", "planned"),
    ]


def test_the_state_of_things_is_told_in_words(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        with server.store.database.snapshot() as connection:
            assert "It has never run" in report.status_lines(
                report.status_report(connection, "a folder")
            )
        archived(server, server.owner())
        with server.store.database.snapshot() as connection:
            found = report.status_report(connection, "a folder")
    assert (found.hot, found.archived, found.cold, found.archives) == (0, 1, 0, 1)
    lines = report.status_lines(found)
    assert lines[0] == "Sessions: 0 complete and hot, 1 archived, 0 cold"
    assert lines[1] == f"Archives: 1 ({found.archive_bytes} bytes) in a folder"
    assert lines[2].startswith("The last run, 2023-11-22")
    assert lines[2].endswith("archived 1 sessions, 0 failed")


@pytest.mark.parametrize(
    ("ended", "refused", "words"),
    [(None, None, "has not ended"), (5, "the clock", "was refused: the clock")],
)
def test_a_run_that_is_no_good_one_is_told_apart(
    ended: int | None, refused: str | None, words: str
) -> None:
    run = report.LastRun(5, ended, refused, report.Counts())
    status = report.StatusReport(1, "x", 0, 0, 0, 0, 0, 2, run, [])
    lines = report.status_lines(status)
    assert words in lines[-1]
    assert "Still to be removed there: 2" in lines
