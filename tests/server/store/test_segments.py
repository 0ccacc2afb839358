import errno
import hashlib
import os
from pathlib import Path

import pytest

from scribe_server.store.blobs import BlobRef, Record, RecordAbout, RecordKind
from scribe_server.store.direct import DirectFiles
from scribe_server.store.errors import BlobDamagedError, StorageFailedError, StorageFullError
from scribe_server.store.files import Files
from scribe_server.store.records import BLOCK_BYTES
from scribe_server.store.segments import SegmentStore
from tests.parts.store import SESSION, FaultyFiles


def record(payload: bytes, sequence: int = 0) -> Record:
    return Record(
        kind=RecordKind.CHUNK,
        owner=1,
        sequence=sequence,
        payload=payload,
        sha256=hashlib.sha256(payload).digest(),
        about=RecordAbout(session=SESSION, user="anna", stored_at=1),
    )


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {})
    one, two = store.append([record(b"first"), record(b"second", 1)])
    assert (store.read(one), store.read(two)) == (b"first", b"second")
    assert store.read(two, 1, 3) == b"eco"
    assert store.read(two, 4) == b"nd"


def test_a_batch_is_one_write_and_one_sync_and_a_new_file_is_made_durable_first(
    tmp_path: Path,
) -> None:
    files = FaultyFiles()
    store = SegmentStore(tmp_path, {}, files=files)
    store.append([record(b"a"), record(b"b"), record(b"c")])
    store.append([record(b"d")])
    assert files.diary == ["open", "sync_folder", "write", "sync", "write", "sync"]


def test_every_batch_begins_and_ends_at_a_block_and_is_filled_with_zeros(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {})
    (first,) = store.append([record(b"first")])
    assert store.end == BLOCK_BYTES
    store.append([record(bytes(BLOCK_BYTES), 1), record(b"third", 2)])
    assert store.end == store.size(1) == 3 * BLOCK_BYTES
    data = store.path(1).read_bytes()
    assert not any(data[first.offset + first.length : BLOCK_BYTES])
    assert [one.sequence for one in store.scan()] == [0, 1, 2]


@pytest.mark.parametrize("files", [Files, DirectFiles])
def test_both_ways_of_writing_make_the_same_bytes_and_go_on_with_each_others_files(
    tmp_path: Path, files: type[Files]
) -> None:
    batches = [[record(bytes([n]) * 5000, n), record(b"small", n + 10)] for n in range(3)]
    (tmp_path / "one").mkdir()
    (tmp_path / "mixed").mkdir()
    one = SegmentStore(tmp_path / "one", {})
    mixed = SegmentStore(tmp_path / "mixed", {}, files=Files())
    for batch, kind in zip(batches, [DirectFiles, Files, files], strict=True):
        refs = one.append(batch)
        assert mixed.append(batch) == refs
        assert [mixed.read(ref) for ref in refs] == [made.payload for made in batch]
        mixed.close()
        mixed = SegmentStore(tmp_path / "mixed", {1: mixed.end}, files=kind())
    assert mixed.path(1).read_bytes() == one.path(1).read_bytes()


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, 6), (5, 1), (6, None), (0, -1)])
def test_a_read_outside_of_the_chunk_is_refused(
    tmp_path: Path, start: int, length: int | None
) -> None:
    store = SegmentStore(tmp_path, {})
    (ref,) = store.append([record(b"bytes")])
    with pytest.raises(ValueError, match="outside"):
        store.read(ref, start, length)


def test_missing_and_short_segments_are_told_as_damage(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {})
    (ref,) = store.append([record(b"bytes")])
    with pytest.raises(BlobDamagedError, match="missing"):
        store.read(BlobRef(9, 0, 1))
    with store.path(1).open("r+b") as file:
        file.truncate(ref.offset + 2)
    with pytest.raises(BlobDamagedError, match="ends inside"):
        store.read(ref)


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {}, max_bytes=100)
    refs = [store.append([record(bytes(60))])[0] for _ in range(3)]
    assert [ref.segment for ref in refs] == [1, 2, 3]
    assert store.numbers() == [1, 2, 3]


def test_the_last_segment_is_gone_on_with_when_it_ends_where_its_index_ends(
    tmp_path: Path,
) -> None:
    first = SegmentStore(tmp_path, {})
    first.append([record(b"one")])
    first.close()
    assert SegmentStore(tmp_path, {1: first.end}).append([record(b"two")])[0].segment == 1
    # Now the file is longer than that index knows.
    assert SegmentStore(tmp_path, {1: first.end}).append([record(b"three")])[0].segment == 2


@pytest.mark.logs_errors
def test_a_full_disk_leaves_no_part_of_the_batch(tmp_path: Path) -> None:
    files = FaultyFiles()
    store = SegmentStore(tmp_path, {}, files=files)
    store.append([record(b"kept")])
    size = store.size(1)
    files.fail["write"] = errno.ENOSPC
    with pytest.raises(StorageFullError):
        store.append([record(bytes(1000))])
    assert files.fired == 1
    assert store.size(1) == size
    (ref,) = store.append([record(b"after")])
    assert ref.segment == 1
    assert store.read(ref) == b"after"


@pytest.mark.logs_errors
@pytest.mark.parametrize("call", ["write", "sync"])
def test_a_failed_write_or_sync_is_never_tried_again_on_the_same_file(
    tmp_path: Path, call: str
) -> None:
    files = FaultyFiles()
    store = SegmentStore(tmp_path, {}, files=files)
    store.append([record(b"kept")])
    size = store.size(1)
    files.fail[call] = errno.EIO
    with pytest.raises(StorageFailedError):
        store.append([record(b"lost")])
    assert files.fired == 1
    assert store.size(1) == size
    files.diary.clear()
    (ref,) = store.append([record(b"after")])
    assert ref.segment == 2
    assert files.diary == ["open", "sync_folder", "write", "sync"]


@pytest.mark.logs_errors
def test_a_full_disk_that_cannot_be_cut_either_gives_the_segment_up(tmp_path: Path) -> None:
    files = FaultyFiles()
    store = SegmentStore(tmp_path, {}, files=files)
    store.append([record(b"kept")])
    files.fail = {"write": errno.ENOSPC, "truncate": errno.EIO}
    with pytest.raises(StorageFullError):
        store.append([record(b"lost")])
    assert files.fired == 2
    assert store.append([record(b"after")])[0].segment == 2


@pytest.mark.logs_errors
@pytest.mark.parametrize("call", ["write", "sync", "sync_folder"])
def test_a_new_segment_whose_first_batch_failed_leaves_no_file(tmp_path: Path, call: str) -> None:
    files = FaultyFiles()
    store = SegmentStore(tmp_path, {}, files=files)
    for _ in range(3):
        files.fail[call] = errno.EIO
        with pytest.raises(StorageFailedError):
            store.append([record(b"lost")])
    assert files.fired == 3
    (ref,) = store.append([record(b"after")])
    assert store.numbers() == [ref.segment] == [4]


@pytest.mark.logs_errors
def test_a_segment_whose_name_may_not_be_durable_is_not_used(tmp_path: Path) -> None:
    files = FaultyFiles()
    store = SegmentStore(tmp_path, {}, files=files)
    files.fail["sync_folder"] = errno.EIO
    with pytest.raises(StorageFailedError):
        store.append([record(b"lost")])
    (ref,) = store.append([record(b"after")])
    assert ref.segment == 2
    assert store.read(ref) == b"after"


def test_nothing_is_appended_beside_a_damaged_record(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {})
    (ref,) = store.append([record(b"one")])
    store.mark_damaged(ref)
    (after,) = store.append([record(b"two")])
    store.mark_damaged(ref)
    assert after.segment == 2
    assert store.append([record(b"three")])[0].segment == 2


def test_deleted_bytes_are_gone_while_the_records_around_them_stay(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {})
    payloads = [bytes([number]) * 20_000 for number in range(1, 4)]
    refs = store.append([record(payload) for payload in payloads])
    store.delete([refs[1], BlobRef(7, 0, 5)])
    assert store.read(refs[1]) == bytes(20_000)
    assert [found.whole for found in store.scan()] == [True, False, True]
    assert store.read(refs[2]) == payloads[2]


def test_deleted_bytes_are_given_back_to_the_disk(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {})
    refs = store.append([record(b"x" * 1_000_000)])
    before = store.path(1).stat().st_blocks
    store.delete(refs)
    assert store.path(1).stat().st_blocks < before / 10


def test_a_removed_segment_is_gone_and_its_number_is_not_used_again(tmp_path: Path) -> None:
    store = SegmentStore(tmp_path, {}, max_bytes=10)
    store.append([record(b"one")])
    store.append([record(b"two")])
    store.remove(1)
    store.remove(1)
    assert store.numbers() == [2]
    assert store.append([record(b"three")])[0].segment == 3


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system has no such call")
def test_the_pages_of_a_stretch_are_forgotten_with_those_that_it_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SegmentStore(tmp_path, {})
    store.append([record(bytes(20_000))])
    advised: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, *place: advised.append(place[:2]))
    store.forget_pages(1, 5000, 4000)
    store.forget_pages(1)
    store.forget_pages(9)
    assert advised == [(4096, 8192), (0, 0)]
