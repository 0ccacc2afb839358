import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from scribe_server.protocol import ChunkAck, SessionStatus, SyncCheck, SyncCheckSession, digest_of
from scribe_server.retention.moving import Mover
from scribe_server.retention.policy import DAY_MS, Reason, Step
from scribe_server.retention.run import Failure, Retention, plan
from scribe_server.retention.runs import Counts, newest_run, problems
from scribe_server.store.deletion import Deletion
from scribe_server.store.errors import StorageFailedError
from scribe_server.store.schema import chunks, sessions
from tests.parts.damage import flip_chunk
from tests.parts.retention import (
    COOLING,
    REMOVING,
    RULES,
    archive_paths,
    archived,
    complete,
    hold,
    is_hot,
    read,
    run_after,
    send_late,
    status_of,
)
from tests.parts.store import (
    OTHER_SESSION,
    SESSION,
    START_MS,
    Served,
    audio_of,
    chunk_of,
    served,
    sha_of,
    stop_of,
)


def run(server: Served, days: int, **options: Any) -> Any:
    return asyncio.run(run_after(server, days, **options))


def test_a_session_goes_from_hot_to_warm_to_cold_to_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(complete(server, owner))
        assert run(server, 6, rules=REMOVING).counts == Counts()
        assert run(server, 2, rules=REMOVING).counts.archived == 1
        assert status_of(server) is SessionStatus.ARCHIVED
        assert run(server, 29, rules=REMOVING).counts == Counts()
        assert run(server, 2, rules=REMOVING).counts.cooled == 1
        assert status_of(server) is SessionStatus.COLD
        assert run(server, 91, rules=REMOVING).counts.removed == 1
        assert asyncio.run(server.store.sessions.summary(owner, SESSION)) is None
        assert archive_paths(tmp_path) == []


def test_what_was_made_of_audio_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    forgotten: list[str] = []
    with served(tmp_path) as server:
        archived(server, server.owner())
        for days in (31, 91):
            server.clock.now += days * DAY_MS
            uptime = server.clock.now - START_MS
            work = Retention(server.store, REMOVING, lambda up=uptime: up, forgotten.append)
            assert asyncio.run(work.run()).counts.failed == 0
    assert forgotten == [SESSION, SESSION]


def test_running_again_does_nothing_more(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        before = archive_paths(tmp_path)[0].read_bytes()
        assert run(server, 0).counts == Counts()
        assert archive_paths(tmp_path)[0].read_bytes() == before


def test_an_incomplete_session_stays_hot_for_ever(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 2]))
        asyncio.run(server.ingest.stop_session(owner, stop_of(3)))
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        assert run(server, 4000, rules=REMOVING).counts == Counts()
        assert status_of(server) is SessionStatus.INCOMPLETE
        assert status_of(server, OTHER_SESSION) is SessionStatus.RECORDING
        assert is_hot(tmp_path, 2)


def test_without_a_transcript_an_archive_keeps_its_audio_and_is_counted(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        assert run(server, 400).counts == Counts(blocked=1)
        assert status_of(server) is SessionStatus.ARCHIVED


def test_a_held_session_moves_nowhere(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        hold(server)
        assert run(server, 400, rules=REMOVING).counts == Counts(blocked=1)
        assert is_hot(tmp_path, 0)


def test_a_hold_that_comes_during_the_run_is_heeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def putting(mover: Mover, contents: Any) -> Any:
        hold(server)
        return put_for_real(mover, contents)

    put_for_real = Mover.put
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        monkeypatch.setattr(Mover, "put", putting)
        assert run(server, 8).counts == Counts(blocked=1)
        assert status_of(server) is SessionStatus.COMPLETE
        assert archive_paths(tmp_path) == []  # what was put is cleaned away


def test_a_cold_session_that_was_opened_again_during_the_run_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deleting(deletion: Deletion, *given: Any, **options: Any) -> bool:
        await send_late(server, server.owner(), 3)
        return await delete_for_real(deletion, *given, **options)

    delete_for_real = Deletion.delete
    with served(tmp_path) as server:
        archived(server, server.owner())
        run(server, 31, rules=REMOVING)
        monkeypatch.setattr(Deletion, "delete", deleting)
        assert run(server, 91, rules=REMOVING).counts == Counts(blocked=1)
        assert status_of(server) is SessionStatus.INCOMPLETE


def test_two_runs_at_once_are_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[int] = []

    async def archiving(mover: Mover, *given: Any) -> int:
        running.append(1)
        assert sum(running) == 1
        size = await archive_for_real(mover, *given)
        running.append(-1)
        return size

    async def both(retention: Retention) -> list[Any]:
        return list(await asyncio.gather(retention.run(), retention.run()))

    archive_for_real = Mover.archive
    monkeypatch.setattr(Mover, "archive", archiving)
    with served(tmp_path) as server:
        for session in (SESSION, OTHER_SESSION):
            asyncio.run(complete(server, server.owner(), session=session))
        server.clock.now += 8 * DAY_MS
        outcomes = asyncio.run(both(Retention(server.store, RULES, lambda: 10**12)))
        assert [outcome.counts.archived for outcome in outcomes] == [2, 0]


@pytest.mark.logs_errors
def test_one_sessions_failure_stops_no_other_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def putting(mover: Mover, contents: Any) -> Any:
        if contents.session == 1:
            raise StorageFailedError("no room")
        return put_for_real(mover, contents)

    put_for_real = Mover.put
    with served(tmp_path) as server:
        for session in (SESSION, OTHER_SESSION):
            asyncio.run(complete(server, server.owner(), session=session))
        with monkeypatch.context() as patch:
            patch.setattr(Mover, "put", putting)
            outcome = run(server, 8)
        assert (outcome.counts.archived, outcome.counts.failed) == (1, 1)
        assert outcome.failures == [Failure(SESSION, "anna", Step.ARCHIVE, "no room")]
        assert status_of(server, OTHER_SESSION) is SessionStatus.ARCHIVED
        with server.store.database.snapshot() as connection:
            (row,) = problems(connection)
            assert (row.uuid, row.reason) == (SESSION, "no room")
        assert run(server, 1).counts.archived == 1
        with server.store.database.snapshot() as connection:
            assert problems(connection) == []


@pytest.mark.logs_errors
def test_a_bug_costs_one_session_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def buggy(*_: object) -> None:
        raise ZeroDivisionError

    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        monkeypatch.setattr(Mover, "put", buggy)
        outcome = run(server, 8)
        assert outcome.failures[0].reason == "ZeroDivisionError"
        with server.store.database.snapshot() as connection:
            row = newest_run(connection)
            assert row is not None
            assert (row.failed, row.ended_at is not None) == (1, True)


@pytest.mark.logs_errors
def test_a_chunk_that_turns_out_damaged_is_asked_for_again(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
    flip_chunk(tmp_path, 1)
    with served(tmp_path) as server:
        outcome = run(server, 8)
        assert outcome.failures[0].reason == "chunk 1 is damaged"
        assert status_of(server) is SessionStatus.INCOMPLETE
        owner = server.owner()
        assert isinstance(asyncio.run(server.send(owner, chunk_of(1))), ChunkAck)
        assert run(server, 8).counts.archived == 1


def jump(server: Served, days: int, uptime: int, **options: bool) -> Any:
    server.clock.now += days * DAY_MS
    retention = Retention(server.store, COOLING, lambda: uptime)
    return asyncio.run(retention.run(**options))


@pytest.mark.logs_errors
def test_a_clock_that_jumps_ahead_moves_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        assert jump(server, 0, 5).refused is None
        refused = jump(server, 400, 3_600_000)
        assert refused.refused is not None
        assert "the clock is 9599 hours ahead" in refused.refused
        assert "--yes-the-clock-is-right" in refused.refused
        assert status_of(server) is SessionStatus.COMPLETE
        # What comes in meanwhile does not vouch for the clock.
        asyncio.run(complete(server, server.owner(), session=OTHER_SESSION))
        assert jump(server, 0, 3_600_001).refused is not None


@pytest.mark.logs_errors
def test_a_person_or_the_machines_uptime_can_vouch_for_the_clock(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        jump(server, 0, 5)
        assert jump(server, 20, 6).refused is not None
        assert jump(server, 0, 19 * DAY_MS).counts.archived == 1
        assert jump(server, 400, 19 * DAY_MS).refused is not None
        assert jump(server, 0, 19 * DAY_MS, clock_is_right=True).counts.cooled == 1
        assert jump(server, 0, 19 * DAY_MS).refused is None


def test_the_plan_is_what_the_run_would_do(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        with server.store.database.snapshot() as connection:
            (one,) = plan(connection, RULES, START_MS + 9 * DAY_MS)
        assert (one.candidate.uuid, one.decision.step) == (SESSION, Step.ARCHIVE)
        assert one.decision.reason is Reason.DUE
        assert status_of(server) is SessionStatus.COMPLETE


# ------------------------------------------------------------ what clients see of it


async def sync_state(server: Served, have: int, session: str = SESSION) -> Any:
    digest = digest_of((n, sha_of(n, session)) for n in range(have))
    asked = SyncCheckSession(session, [(0, have - 1)], digest)
    (state,) = (await server.ingest.sync_check(server.owner(), SyncCheck([asked]))).sessions
    return state


@pytest.mark.parametrize(("days", "status"), [(8, "archived"), (60, "cold")])
def test_the_books_answer_as_before(tmp_path: Path, days: int, status: str) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        archived(server, owner)
        run(server, days, rules=COOLING if status == "cold" else RULES)
        state = asyncio.run(sync_state(server, 3))
        assert (state.status, state.match, state.stored) == (status, True, [(0, 2)])
        assert state.receipt_digest is not None
        started = asyncio.run(server.start(owner))
        assert (started.status, started.missing_ranges) == (status, [])  # type: ignore[union-attr]
        again = asyncio.run(server.ingest.stop_session(owner, stop_of(3)))
        assert again[-1].signature  # type: ignore[union-attr] - its receipt
        listed = asyncio.run(server.store.sessions.chunks(owner, SESSION))
        assert listed is not None
        assert [chunk.state for chunk in listed.chunks] == ["stored"] * 3
        missing = asyncio.run(server.store.sessions.missing(owner, SESSION))
        assert missing is not None
        assert (missing.missing, missing.complete) == ([], True)
        # Sent again all the same, it is a duplicate and nothing is stored.
        ack = asyncio.run(server.send(owner, chunk_of(1)))
        assert ack.duplicate  # type: ignore[union-attr] - an ack
        assert status_of(server) == status


def test_a_late_chunk_opens_an_archived_session_again(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        archived(server, owner)
        (older,) = archive_paths(tmp_path)
        assert isinstance(asyncio.run(send_late(server, owner, 3)), ChunkAck)
        assert status_of(server) is SessionStatus.INCOMPLETE
        assert asyncio.run(sync_state(server, 4)).match
        everything = [asyncio.run(read(server, owner, n)) for n in range(4)]
        assert everything == [audio_of(n) for n in range(4)]
        assert run(server, 40).counts == Counts()
        assert archive_paths(tmp_path) == [older]
        asyncio.run(server.ingest.stop_session(owner, stop_of(4)))
        assert status_of(server) is SessionStatus.COMPLETE
        assert run(server, 8).counts.archived == 1
        (newer,) = archive_paths(tmp_path)
        assert newer != older
        everything = [asyncio.run(read(server, owner, n)) for n in range(4)]
        assert everything == [audio_of(n) for n in range(4)]


def test_a_late_chunk_of_a_cold_session_asks_for_the_others_again(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        archived(server, owner)
        run(server, 31, rules=COOLING)
        assert status_of(server) is SessionStatus.COLD
        assert isinstance(asyncio.run(send_late(server, owner, 3)), ChunkAck)
        state = asyncio.run(sync_state(server, 4))
        assert (state.status, state.stored) == ("incomplete", [(3, 3)])
        for number in range(3):
            ack = asyncio.run(server.send(owner, chunk_of(number)))
            assert not ack.duplicate  # type: ignore[union-attr] - an ack
        asyncio.run(server.ingest.stop_session(owner, stop_of(4)))
        assert run(server, 8, rules=replace(COOLING, warm_days=0)).counts.archived == 1
        assert asyncio.run(read(server, owner, 0)) == audio_of(0)
        with server.store.database.snapshot() as connection:
            places = connection.execute(select(chunks.c.segment)).scalars().all()
            assert len(set(places)) == 1
            assert connection.execute(select(sessions.c.status)).scalar_one() == "archived"
