import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from scribe_server.store.blobs import BlobRef
from scribe_server.store.errors import ArchiveMissingError, BlobDamagedError
from scribe_server.store.schema import archives, sessions
from tests.parts.store import SESSION, Served, audio_of, served


def put_on_the_shelf(server: Served) -> int:
    """An archive that holds b'0123456789', given as the segment that chunks name it by."""
    with server.store.shelf.place.put("k.zip") as sink:
        sink.write(b"0123456789")
    with server.store.database.transaction() as connection:
        session = connection.execute(select(sessions.c.id)).scalar_one()
        row = {"session": session, "key": "k.zip", "size": 10, "sha256": bytes(32)}
        made = connection.execute(
            insert(archives).values(**row, audio=True, created_at=1).returning(archives.c.id)
        )
        return -int(made.scalar_one())


def test_a_chunk_is_read_from_its_segment_or_its_archive(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        hot = asyncio.run(server.store.sessions.chunk_ref(owner, SESSION, 0))
        assert hot is not None
        shelf, archive = server.store.shelf, put_on_the_shelf(server)
        assert shelf.read(hot) == audio_of(0)
        assert shelf.read(BlobRef(archive, 2, 3)) == b"234"
        assert shelf.read(BlobRef(archive, 2, 3), 1, 1) == b"3"
        with pytest.raises(ValueError, match="outside"):
            shelf.read(BlobRef(archive, 2, 3), 1, 3)


def test_an_archive_that_is_short_missing_or_unknown_is_damage(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        shelf, archive = server.store.shelf, put_on_the_shelf(server)
        with pytest.raises(BlobDamagedError, match="ends inside"):
            shelf.read(BlobRef(archive, 8, 3))
        shelf.place.delete("k.zip")
        with pytest.raises(ArchiveMissingError):
            shelf.read(BlobRef(archive, 0, 3))
        with pytest.raises(ArchiveMissingError, match="not in the books"):
            shelf.read(BlobRef(archive - 1, 0, 3))
