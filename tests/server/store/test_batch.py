"""What store_batch() decides about each chunk, on a database and segments of its own."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, update

from scribe_server.protocol import ErrorCode
from scribe_server.store.batch import ChunkWrite, Stored, store_batch
from scribe_server.store.database import Database
from scribe_server.store.errors import StorageFullError
from scribe_server.store.hot import HotSession, HotSessions
from scribe_server.store.schema import (
    DAMAGED,
    STORED,
    chunks,
    segments,
    sessions,
    usage,
    users,
)
from scribe_server.store.segments import SegmentStore
from tests.parts.store import SESSION

NOW = 1_700_000_000_000


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database.open(tmp_path / "scribe.sqlite3")
    with database.transaction() as connection:
        connection.execute(insert(users).values(id=1, name="anna", created_at=0))
        connection.execute(
            insert(sessions).values(
                id=7,
                owner=1,
                uuid=SESSION,
                title="",
                source="mic",
                layout="chunks",
                status="recording",
                started_at=0,
                created_at=0,
            )
        )
    with database.writing_connection() as connection:
        yield connection
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> SegmentStore:
    folder = tmp_path / "segments"
    folder.mkdir()
    return SegmentStore(folder, {})


@pytest.fixture
def session() -> HotSession:
    return HotSession(7, 1, "anna", SESSION, "chunks", None, max_seq=-1, recording=True)


def write(session: HotSession, sequence: int, payload: bytes = b"abc") -> ChunkWrite:
    claimed = hashlib.sha256(payload).digest()
    return ChunkWrite(session, sequence, payload, claimed, "audio/webm", None, None, None)


def store(
    connection: Connection, blobs: SegmentStore, writes: list[ChunkWrite], now: int = NOW
) -> list[object]:
    store_batch(connection, writes, blobs.append, HotSessions(), now)
    return [one.outcome for one in writes]


def one_row(connection: Connection, table: object) -> dict[str, object]:
    with connection.begin():
        return dict(connection.execute(select(table)).mappings().one())  # type: ignore[call-overload] - any table


def test_new_chunks_are_stored_and_counted(
    connection: Connection, blobs: SegmentStore, session: HotSession
) -> None:
    outcomes = store(connection, blobs, [write(session, 0), write(session, 1, b"defg")])
    assert outcomes == [
        Stored(hashlib.sha256(b"abc").hexdigest(), NOW, duplicate=False),
        Stored(hashlib.sha256(b"defg").hexdigest(), NOW, duplicate=False),
    ]
    assert session.max_seq == 1
    held = one_row(connection, segments)
    assert (held["number"], held["end"], held["live"]) == (1, blobs.end, 2)
    used = one_row(connection, usage)
    assert used == {"owner": 1, "month": "2023-11", "bytes": 7, "chunks": 2}


def test_a_duplicate_writes_no_bytes(
    connection: Connection, blobs: SegmentStore, session: HotSession
) -> None:
    store(connection, blobs, [write(session, 0)])
    end = blobs.end
    (outcome,) = store(connection, blobs, [write(session, 0)], NOW + 5)
    assert outcome == Stored(hashlib.sha256(b"abc").hexdigest(), NOW, duplicate=True)
    assert blobs.end == end


def test_twins_in_a_batch_follow_the_first(
    connection: Connection, blobs: SegmentStore, session: HotSession
) -> None:
    first, same, other = store(
        connection, blobs, [write(session, 0), write(session, 0), write(session, 0, b"else")]
    )
    assert first == Stored(hashlib.sha256(b"abc").hexdigest(), NOW, duplicate=False)
    assert same == Stored(hashlib.sha256(b"abc").hexdigest(), NOW, duplicate=True)
    assert other is ErrorCode.CONFLICT


def test_what_memory_has_forgotten_the_unique_key_still_knows(
    connection: Connection, blobs: SegmentStore, session: HotSession
) -> None:
    store(connection, blobs, [write(session, 0)])
    session.max_seq = -1
    again, other, new = store(
        connection,
        blobs,
        [write(session, 0), write(session, 1), write(session, 2)],
        NOW + 5,
    )
    assert again == Stored(hashlib.sha256(b"abc").hexdigest(), NOW, duplicate=True)
    assert other == Stored(hashlib.sha256(b"abc").hexdigest(), NOW + 5, duplicate=False)
    assert isinstance(new, Stored)
    session.max_seq = -1
    assert store(connection, blobs, [write(session, 0, b"else")]) == [ErrorCode.CONFLICT]
    assert one_row(connection, segments)["live"] == 3


def test_a_damaged_chunk_takes_only_the_same_bytes_and_is_then_stored(
    connection: Connection, blobs: SegmentStore, session: HotSession
) -> None:
    store(connection, blobs, [write(session, 0)])
    with connection.begin():
        connection.execute(update(chunks).values(state=DAMAGED))
    assert store(connection, blobs, [write(session, 0, b"else")]) == [ErrorCode.CONFLICT]
    (mended,) = store(connection, blobs, [write(session, 0)], NOW + 5)
    assert mended == Stored(hashlib.sha256(b"abc").hexdigest(), NOW + 5, duplicate=False)
    assert one_row(connection, chunks)["state"] == STORED
    assert one_row(connection, segments)["live"] == 1


def test_when_the_bytes_cannot_be_stored_the_whole_batch_is_refused_but_not_its_duplicates(
    connection: Connection, blobs: SegmentStore, session: HotSession
) -> None:
    def full(_: object) -> list[object]:
        raise StorageFullError("no room")

    store(connection, blobs, [write(session, 0)])
    writes = [write(session, 0), write(session, 1), write(session, 1)]
    store_batch(connection, writes, full, HotSessions(), NOW)  # type: ignore[arg-type] - it gives nothing
    duplicate, *refused = [one.outcome for one in writes]
    assert isinstance(duplicate, Stored)
    assert refused == [ErrorCode.STORAGE_FULL] * 2
    assert session.max_seq == 0


def test_chunks_of_a_session_that_is_gone_are_refused(
    connection: Connection, blobs: SegmentStore, session: HotSession
) -> None:
    hot = HotSessions()
    hot.forget(1, SESSION, 7)
    one = write(session, 0)
    store_batch(connection, [one], blobs.append, hot, NOW)
    assert one.outcome is ErrorCode.SESSION_CLOSED
    assert blobs.end == 0
