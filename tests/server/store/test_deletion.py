import asyncio
import errno
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typing_extensions import override

from scribe_server.store.errors import StorageError, StorageFullError
from scribe_server.store.files import Files
from scribe_server.store.schema import (
    chunks,
    gaps,
    jobs,
    manifests,
    receipts,
    segments,
    sessions,
    tombstones,
)
from tests.parts.store import (
    OTHER_SESSION,
    SESSION,
    FaultyFiles,
    Served,
    audio_of,
    chunk_of,
    served,
    stop_of,
)


def rows(server: Served, table: object) -> int:
    with server.store.database.snapshot() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type] - any table


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*.seg")))


def test_a_deleted_session_leaves_a_tombstone_and_none_of_its_bytes(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1]))
        asyncio.run(server.ingest.stop_session(owner, stop_of(2)))
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        assert audio_of(1) in all_bytes(tmp_path)
        assert asyncio.run(server.store.sessions.delete(owner, SESSION)) is True
        assert [rows(server, table) for table in (manifests, receipts, gaps, jobs)] == [0] * 4
        assert [rows(server, table) for table in (sessions, chunks, tombstones)] == [1] * 3
        assert audio_of(0) not in all_bytes(tmp_path)
        assert audio_of(1) not in all_bytes(tmp_path)
        assert audio_of(0, OTHER_SESSION) in all_bytes(tmp_path)


def test_deleting_again_is_true_and_an_unknown_or_anothers_session_is_false(
    tmp_path: Path,
) -> None:
    async def scenario(server: Served) -> list[bool]:
        anna, ben = server.owner("anna"), server.owner("ben")
        await server.record(anna, [0])
        delete = server.store.sessions.delete
        return [
            await delete(anna, OTHER_SESSION),
            await delete(ben, SESSION),
            await delete(anna, SESSION),
            await delete(anna, SESSION),
            await delete(ben, SESSION),
        ]

    with served(tmp_path) as server:
        assert asyncio.run(scenario(server)) == [False, False, True, True, False]


def test_a_segment_without_live_records_is_removed_and_its_tombstones_move_on(
    tmp_path: Path,
) -> None:
    async def scenario(server: Served) -> None:
        owner = server.owner()
        await server.record(owner, [0], SESSION)
        await server.record(owner, [0], OTHER_SESSION)
        await server.store.sessions.delete(owner, SESSION)
        await server.store.sessions.delete(owner, OTHER_SESSION)

    # Every batch fills a segment: 1 and 2 hold a chunk, 3 and 4 a tombstone each.
    with served(tmp_path, max_segment_bytes=1) as server:
        asyncio.run(scenario(server))
        numbers = server.store.blobs.numbers()
        assert 1 not in numbers
        assert 2 not in numbers
        with server.store.database.snapshot() as connection:
            places = connection.execute(select(tombstones.c.segment)).scalars().all()
        assert set(places) <= set(numbers)
    with served(tmp_path, max_segment_bytes=1) as server:
        found = {one.about.session for one in server.store.blobs.scan()}
        assert found == {SESSION, OTHER_SESSION}
        assert rows(server, segments) == len(server.store.blobs.numbers())


def test_a_mended_chunks_old_segment_is_removed_when_nothing_else_is_in_it(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
    (tmp_path / "segments" / "00000001.seg").unlink()
    with served(tmp_path) as server:
        assert server.store.recovered.damaged == 1
        asyncio.run(server.send(server.owner(), chunk_of(0)))
    with served(tmp_path) as server:
        with server.store.database.snapshot() as connection:
            left = connection.execute(select(segments.c.number, segments.c.live)).all()
        assert [tuple(row) for row in left] == [(2, 1)]


class LongHand(FaultyFiles):
    """Also writes down, and fails, wiping."""

    def wipe(self, descriptor: int, offset: int, length: int) -> None:
        self._enter("wipe")
        super().wipe(descriptor, offset, length)


def test_bytes_that_a_failure_kept_are_freed_at_the_next_start(tmp_path: Path) -> None:
    files = LongHand()
    with served(tmp_path, files=files) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        files.fail["wipe"] = errno.EIO
        with pytest.raises(StorageError):
            asyncio.run(server.store.sessions.delete(owner, SESSION))
        assert files.fired == 1
        assert audio_of(0) in all_bytes(tmp_path)
        assert asyncio.run(server.store.sessions.summary(owner, SESSION)) is None
        assert rows(server, jobs) == 1
    with served(tmp_path) as server:
        assert audio_of(0) not in all_bytes(tmp_path)
        assert rows(server, jobs) == 0


@pytest.mark.logs_errors
def test_the_tombstone_is_durable_before_the_rows_go(tmp_path: Path) -> None:
    files = FaultyFiles()
    with served(tmp_path, files=files) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        files.fail["sync"] = errno.EIO
        with pytest.raises(StorageError):
            asyncio.run(server.store.sessions.delete(owner, SESSION))
        assert files.fired == 1
        assert asyncio.run(server.store.sessions.summary(owner, SESSION)) is not None
        assert rows(server, tombstones) == 0


class FullFiles(Files):
    """A disk on which somebody leaves no room, but for what the reserve holds."""

    def __init__(self, folder: Path) -> None:
        self.reserve = folder / "reserve"
        self.is_full = False

    @override
    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        if self.is_full and self.reserve.exists():
            raise OSError(errno.ENOSPC, "full")
        super().write(descriptor, buffers, offset)


@pytest.mark.logs_errors
def test_a_full_disk_deletes_with_the_room_that_was_set_aside(tmp_path: Path) -> None:
    files = FullFiles(tmp_path)
    with served(tmp_path, files=files) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        assert files.reserve.exists()
        files.is_full = True
        assert asyncio.run(server.store.sessions.delete(owner, SESSION)) is True
        assert rows(server, tombstones) == 1
        assert audio_of(0) not in all_bytes(tmp_path)
        assert files.reserve.exists()


@pytest.mark.logs_errors
def test_a_full_disk_without_a_reserve_says_that_it_is_full(tmp_path: Path) -> None:
    files = FaultyFiles()
    with served(tmp_path, files=files) as server:
        owner = server.owner()
        asyncio.run(server.start(owner))
        (tmp_path / "reserve").unlink()
        files.fail["write"] = errno.ENOSPC
        with pytest.raises(StorageFullError):
            asyncio.run(server.store.sessions.delete(owner, SESSION))
