import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from scribe_server.protocol import SessionStatus
from scribe_server.store.blobs import FoundRecord, RecordKind
from scribe_server.store.reindex import Reindexer, Taken
from scribe_server.store.schema import DAMAGED, chunks, segments, sessions, users
from tests.parts.store import OTHER_SESSION, SESSION, START_MS, Served, served

NOW = START_MS + 1_000_000


def chunk_records(server: Served) -> list[FoundRecord]:
    return [record for record in server.store.blobs.scan() if record.kind is RecordKind.CHUNK]


def forget(server: Served, *tables: str) -> None:
    with server.store.database.transaction() as connection:
        for table in tables:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own words


def take(server: Served, records: list[FoundRecord]) -> list[Taken]:
    with server.store.database.transaction() as connection:
        reindexer = Reindexer(connection, NOW)
        taken = [reindexer.take(record) for record in records]
        reindexer.finish()
        return taken


def names(server: Served) -> dict[int, str]:
    with server.store.database.snapshot() as connection:
        return {row.id: row.name for row in connection.execute(select(users))}


def test_a_session_comes_back_with_its_order_its_times_and_its_user(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 3]))
        records = chunk_records(server)
        forget(server, "chunks", "sessions", "devices", "usage", "users")
        assert take(server, records) == [Taken.INDEXED] * 3
        summary = asyncio.run(server.store.sessions.summary(server.owner(), SESSION))
        assert summary is not None
        assert (summary.chunks, summary.title, summary.layout) == (3, "", "chunks")
        assert summary.started_at == START_MS
        assert summary.stopped_at == max(record.about.stored_at for record in records)
        assert summary.status is SessionStatus.INCOMPLETE


def test_a_session_without_a_hole_is_complete_and_one_of_a_plain_client_is_of_fragments(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        plain = [
            replace(record, about=replace(record.about, samples=None))
            for record in chunk_records(server)
        ]
        forget(server, "chunks", "sessions")
        take(server, plain)
        summary = asyncio.run(server.store.sessions.summary(server.owner(), SESSION))
        assert summary is not None
        assert (summary.status, summary.layout) == (SessionStatus.COMPLETE, "fragments")


def test_taking_a_record_again_changes_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        records = chunk_records(server)
        assert take(server, records) == [Taken.KNOWN]
        with server.store.database.snapshot() as connection:
            assert connection.execute(select(segments.c.live)).scalars().all() == [1]


def test_a_record_that_says_otherwise_than_its_row_changes_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        (record,) = chunk_records(server)
        assert take(server, [replace(record, sha256=bytes(32))]) == [Taken.CONTRADICTS]


def test_a_whole_record_mends_a_damaged_row(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        records = chunk_records(server)
        with server.store.database.transaction() as connection:
            connection.execute(update(chunks).values(state=DAMAGED, segment=9, offset=1))
        assert take(server, [replace(records[0], whole=False)]) == [Taken.KNOWN]
        assert take(server, records) == [Taken.INDEXED]
        with server.store.database.snapshot() as connection:
            (row,) = connection.execute(select(chunks))
        assert (row.state, row.segment) == ("stored", 1)


def test_a_record_that_is_not_whole_is_indexed_as_damaged(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        (record,) = chunk_records(server)
        forget(server, "chunks", "sessions")
        take(server, [replace(record, whole=False)])
        missing = asyncio.run(server.store.sessions.missing(server.owner(), SESSION))
        assert missing is not None
        assert missing.missing == [0]


def test_a_deleted_session_stays_deleted(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        records = chunk_records(server)
        asyncio.run(server.store.sessions.delete(server.owner(), SESSION))
        assert take(server, records) == [Taken.BURIED]
        with server.store.database.snapshot() as connection:
            assert connection.execute(select(sessions)).first() is None


@pytest.mark.parametrize("number", [1, 2])
def test_a_user_is_known_by_the_name_and_never_by_a_number_that_is_anothers(
    tmp_path: Path, number: int
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner("ben"), [0], OTHER_SESSION))
        (record,) = chunk_records(server)
        forget(server, "chunks", "sessions", "devices", "usage", "users")
        assert server.owner("carol").user_id == 1
        take(server, [replace(record, owner=number)])
        assert names(server) == {1: "carol", 2: "ben"}
        ours = asyncio.run(server.store.sessions.list_sessions(server.owner("carol")))
        assert ours.sessions == []
        bens = asyncio.run(server.store.sessions.list_sessions(server.owner("ben")))
        assert [session.session_id for session in bens.sessions] == [OTHER_SESSION]
