import asyncio
from pathlib import Path

from scribe_server.store.records import HEADER_BYTES, MAGIC
from scribe_server.store.scan import SegmentScan
from tests.parts.store import served


def headers(path: Path) -> list[int]:
    data = path.read_bytes()
    return [at for at in range(0, len(data), 4096) if data.startswith(MAGIC, at)]


def test_a_sound_segment_is_read_to_its_end(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        for hashed in (True, False):
            scan = SegmentScan(server.store.blobs, 1, hashed=hashed)
            assert [record.sequence for record in scan] == [0, 1, 2]
            assert scan.unreadable == 0


def test_what_lies_behind_a_damaged_header_is_counted_as_unreadable(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        path = server.store.blobs.path(1)
        second = headers(path)[1]
        with path.open("r+b") as file:
            file.seek(second + HEADER_BYTES - 1)
            file.write(b"?")
        scan = SegmentScan(server.store.blobs, 1)
        assert [record.sequence for record in scan] == [0]
        assert scan.unreadable == path.stat().st_size - second


def test_a_segment_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        scan = SegmentScan(server.store.blobs, 7)
        assert list(scan) == []
        assert scan.unreadable == 0


def test_a_disk_that_cannot_be_read_ends_the_walk(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        path = server.store.blobs.path(1)
        size = path.stat().st_size
        scan = SegmentScan(server.store.blobs, 1)
        path.unlink()
        path.mkdir()  # reading it is an error of the operating system
        assert list(scan) == []
        assert scan.unreadable == size
        path.rmdir()


def test_what_is_not_hashed_counts_as_whole(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        (record,) = SegmentScan(server.store.blobs, 1)
        with server.store.blobs.path(1).open("r+b") as file:
            file.seek(record.ref.offset)
            file.write(b"?")
        assert [found.whole for found in SegmentScan(server.store.blobs, 1, hashed=False)] == [True]
        assert [found.whole for found in SegmentScan(server.store.blobs, 1)] == [False]
