import asyncio
from pathlib import Path

from sqlalchemy import select

from scribe_server.store.damage import is_sound, mark_damaged, ref_of, unsound
from scribe_server.store.schema import chunks
from tests.parts.store import SESSION, served


def test_chunks_with_changed_or_missing_bytes_are_unsound(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        with server.store.database.snapshot() as connection:
            rows = connection.execute(select(chunks).order_by(chunks.c.sequence)).all()
        with server.segment_files()[0].open("r+b") as file:
            file.seek(ref_of(rows[1]).offset)
            file.write(b"\0\0")
            file.truncate(ref_of(rows[2]).offset + 1)
        assert [is_sound(server.store.blobs, row) for row in rows] == [True, False, False]
        assert unsound(server.store.blobs, rows) == rows[1:]


def test_marking_chunks_of_a_session_that_was_deleted_meanwhile_does_nothing(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        with server.store.database.snapshot() as connection:
            rows = connection.execute(select(chunks)).all()
        asyncio.run(server.store.sessions.delete(server.owner(), SESSION))
        with server.store.database.transaction() as connection:
            mark_damaged(connection, rows[0].session, rows, server.store.blobs)
            assert connection.execute(select(chunks)).all() == []
