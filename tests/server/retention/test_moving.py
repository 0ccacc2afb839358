import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from scribe_server.protocol import SessionStatus
from scribe_server.retention.moving import ChangedError, ChunkDamagedError, Mover
from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.database import Database
from scribe_server.store.deletion import HeldError
from scribe_server.store.errors import BlobDamagedError, StorageFailedError
from scribe_server.store.schema import chunks, segments
from tests.parts.damage import flip_chunk
from tests.parts.retention import (
    archive_paths,
    archive_rows,
    complete,
    hold,
    is_hot,
    job_kinds,
    members_of,
    read,
    send_late,
    status_of,
)
from tests.parts.store import SESSION, Served, audio_of, served


def always(_connection: Connection) -> bool:
    return True


def archive(server: Served) -> int:
    return asyncio.run(Mover(server.store).archive(1, always))


@contextmanager
def recorded(folder: Path, count: int = 3) -> Iterator[Served]:
    with served(folder) as server:
        asyncio.run(complete(server, server.owner(), count))
        yield server


def test_an_archived_session_is_in_its_archive_and_nowhere_else(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        size = archive(server)
        assert status_of(server) is SessionStatus.ARCHIVED
        (path,) = archive_paths(tmp_path)
        (row,) = archive_rows(server)
        assert path.stat().st_size == row["size"] == size
        assert hashlib.sha256(path.read_bytes()).digest() == row["sha256"]
        assert row["audio"] is True
        members = members_of(path)
        assert [members[f"chunks/{n:04d}.webm"] for n in range(3)] == [
            audio_of(n) for n in range(3)
        ]
        assert not any(is_hot(tmp_path, n) for n in range(3))
        assert job_kinds(server) == []


def test_its_chunks_are_read_from_there(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        archive(server)
        owner = server.owner()
        assert [asyncio.run(read(server, owner, n)) for n in range(3)] == [
            audio_of(n) for n in range(3)
        ]


def test_the_same_session_is_the_same_archive_on_another_server(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with recorded(tmp_path / name) as server:
            archive(server)
    (one,), (two,) = (archive_paths(tmp_path / name) for name in ("one", "two"))
    kept = members_of(one)
    # Each server signs with its own key: all but the receipt is the same, and so is the order.
    assert list(kept) == list(members_of(two))
    del kept["receipt.json"]
    assert {name: members_of(two)[name] for name in kept} == kept


def test_segments_that_hold_nothing_more_are_removed(tmp_path: Path) -> None:
    with served(tmp_path, max_segment_bytes=1) as server:
        asyncio.run(complete(server, server.owner()))
        assert len(server.segment_files()) == 3
        archive(server)
        # The one that was written to last stays, with nothing in it.
        assert [path.name for path in server.segment_files()] == ["00000003.seg"]
        with server.store.database.snapshot() as connection:
            assert connection.execute(select(segments.c.live)).scalars().all() == [0]


class Spoiling(FolderPlace):
    """Keeps other bytes than it was given, as a disk or a network may."""

    spoil = True

    @contextmanager
    def put(self, key: str) -> Iterator[Any]:
        with super().put(key) as sink:
            yield sink
        if self.spoil:
            path = self._path(key)
            data = bytearray(path.read_bytes())
            data[data.index(audio_of(1)) + 20] ^= 1
            path.write_bytes(data)


def test_hot_audio_stays_when_its_archive_does_not_read_back_as_it_was(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        mover = Mover(server.store)
        mover._place = Spoiling(tmp_path / "archives")
        with pytest.raises(BlobDamagedError, match=r"chunks/0001\.webm .* differs"):
            asyncio.run(mover.archive(1, always))
        assert status_of(server) is SessionStatus.COMPLETE
        assert all(is_hot(tmp_path, n) for n in range(3))
        assert archive_rows(server) == []
        mover._place.spoil = False
        asyncio.run(mover.archive(1, always))
        assert status_of(server) is SessionStatus.ARCHIVED


@pytest.mark.parametrize("step", ["put", "read_back"])
def test_hot_audio_stays_when_the_place_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def failing(*_: object) -> None:
        raise StorageFailedError("no route to the archives")

    with recorded(tmp_path) as server:
        monkeypatch.setattr(Mover, step, failing)
        with pytest.raises(StorageFailedError):
            archive(server)
        assert status_of(server) is SessionStatus.COMPLETE
        assert all(is_hot(tmp_path, n) for n in range(3))
        assert job_kinds(server) == ["archive-put"]


def test_a_damaged_chunk_is_not_archived(tmp_path: Path) -> None:
    with recorded(tmp_path):
        pass
    flip_chunk(tmp_path, 1)
    with served(tmp_path) as server:
        with pytest.raises(ChunkDamagedError) as damaged:
            archive(server)
        assert damaged.value.row.sequence == 1
        assert status_of(server) is SessionStatus.COMPLETE
        assert archive_paths(tmp_path) == []
        assert is_hot(tmp_path, 0)


def test_a_session_that_changes_while_it_is_archived_stays_hot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def putting(mover: Mover, contents: Any) -> Any:
        asyncio.run(send_late(server, owner, 3))
        return put_for_real(mover, contents)

    put_for_real = Mover.put
    with recorded(tmp_path) as server:
        owner = server.owner()
        monkeypatch.setattr(Mover, "put", putting)
        with pytest.raises(ChangedError):
            archive(server)
        assert status_of(server) is SessionStatus.INCOMPLETE
        assert all(is_hot(tmp_path, n) for n in range(4))


def test_a_session_that_is_deleted_while_it_is_archived_stays_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def putting(mover: Mover, contents: Any) -> Any:
        written = put_for_real(mover, contents)
        asyncio.run(server.store.sessions.delete(owner, SESSION))
        return written

    put_for_real = Mover.put
    with recorded(tmp_path) as server:
        owner = server.owner()
        monkeypatch.setattr(Mover, "put", putting)
        with pytest.raises(ChangedError):
            archive(server)
        with pytest.raises(ChangedError, match="deleted"):
            archive(server)
        assert archive_rows(server) == []


def test_a_server_that_is_being_stopped_finishes_no_archive(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        mover = Mover(server.store)
        mover.stop()
        with pytest.raises(ChangedError, match="being stopped"):
            asyncio.run(mover.archive(1, always))
        assert archive_paths(tmp_path) == []
        assert all(is_hot(tmp_path, n) for n in range(3))


def test_what_is_not_due_any_more_stays(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        with pytest.raises(ChangedError):
            asyncio.run(Mover(server.store).archive(1, lambda _: False))
        assert status_of(server) is SessionStatus.COMPLETE


def test_a_reader_who_looked_before_the_move_reads_from_the_archive(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        owner = server.owner()
        before = [asyncio.run(server.store.sessions.part(owner, SESSION, n)) for n in range(3)]
        archive(server)
        for number, part in enumerate(before):
            assert part is not None
            assert part.ref.segment > 0
            assert asyncio.run(server.store.sessions.read_part(part)) == audio_of(number)


def test_cooling_leaves_the_texts_and_the_books(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        owner = server.owner()
        archive(server)
        with_audio = members_of(archive_paths(tmp_path)[0])
        asyncio.run(Mover(server.store).cool(1, always))
        assert status_of(server) is SessionStatus.COLD
        (path,) = archive_paths(tmp_path)
        texts = members_of(path)
        assert list(texts) == ["metadata.json", "manifest.json", "receipt.json"]
        assert texts["receipt.json"] == with_audio["receipt.json"]
        assert asyncio.run(read(server, owner, 0)) is None
        summary = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert summary is not None
        assert summary.chunks == 3
        assert summary.receipt is not None
        assert job_kinds(server) == []


def test_the_archive_stays_when_the_one_without_audio_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise BlobDamagedError("it differs")

    with recorded(tmp_path) as server:
        archive(server)
        before = archive_rows(server)
        monkeypatch.setattr(Mover, "read_back", failing)
        with pytest.raises(BlobDamagedError):
            asyncio.run(Mover(server.store).cool(1, always))
        assert archive_rows(server) == before
        assert asyncio.run(read(server, server.owner(), 2)) == audio_of(2)


def test_a_held_archive_cannot_be_deleted(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        owner = server.owner()
        archive(server)
        hold(server)
        with pytest.raises(HeldError):
            asyncio.run(server.store.sessions.delete(owner, SESSION))
        hold(server, None)
        assert asyncio.run(server.store.sessions.delete(owner, SESSION)) is True
        assert archive_paths(tmp_path) == []


def test_deleting_an_archived_session_removes_its_archive(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        archive(server)
        assert asyncio.run(server.store.sessions.delete(server.owner(), SESSION)) is True
        assert archive_paths(tmp_path) == []
        assert archive_rows(server) == []
        assert job_kinds(server) == []


def test_an_archive_that_cannot_be_removed_now_waits_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StorageFailedError("no route to the archives")

    with recorded(tmp_path) as server:
        archive(server)
        monkeypatch.setattr(FolderPlace, "delete", failing)
        assert asyncio.run(server.store.sessions.delete(server.owner(), SESSION)) is True
        assert job_kinds(server) == ["archive-drop"]


@pytest.mark.logs_errors
def test_a_session_whose_hot_bytes_could_not_be_wiped_has_moved_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StorageFailedError("EIO")

    with recorded(tmp_path) as server:
        with monkeypatch.context() as patch:
            patch.setattr(server.store.blobs, "delete", failing)
            archive(server)
        assert status_of(server) is SessionStatus.ARCHIVED
        assert is_hot(tmp_path, 1)
        assert job_kinds(server) == ["free"]
    with served(tmp_path) as server:
        assert not is_hot(tmp_path, 1)
        assert job_kinds(server) == []
        assert asyncio.run(read(server, server.owner(), 1)) == audio_of(1)


def test_a_session_without_chunks_has_an_archive_too(tmp_path: Path) -> None:
    with recorded(tmp_path, 0) as server:
        archive(server)
        assert status_of(server) is SessionStatus.ARCHIVED
        asyncio.run(Mover(server.store).cool(1, always))
        assert status_of(server) is SessionStatus.COLD


def test_the_books_stay_sound(tmp_path: Path) -> None:
    with recorded(tmp_path) as server:
        archive(server)
        with server.store.database.snapshot() as connection:
            rows = connection.execute(select(chunks.c.segment, chunks.c.state)).all()
            assert {tuple(row) for row in rows} == {(-1, "stored")}
            assert isinstance(server.store.database, Database)
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
