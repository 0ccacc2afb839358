"""What holds for every place: a folder, and an object store (obstore's own, in memory)."""

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.s3 import S3Place
from scribe_server.store.errors import ArchiveMissingError

KEY = "1/a-0123.zip"


def in_memory(_: Path) -> ArchivePlace:
    place = S3Place("s3://bucket")
    place._opened = MemoryStore()  # type: ignore[assignment] - the same calls
    return place


@pytest.fixture(params=[FolderPlace, in_memory], ids=["folder", "object store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> ArchivePlace:
    made: ArchivePlace = request.param(tmp_path / "archives")
    return made


def put(place: ArchivePlace, key: str, *pieces: bytes) -> None:
    with place.put(key) as sink:
        for piece in pieces:
            sink.write(piece)


def test_what_was_put_is_read_as_a_whole_and_in_parts(place: ArchivePlace) -> None:
    put(place, KEY, b"one", b"", b"two")
    assert b"".join(place.stream(KEY)) == b"onetwo"
    assert place.size(KEY) == 6
    assert place.read(KEY, 2, 3) == b"etw"
    assert place.read(KEY, 4, 99) == b"wo"
    assert list(place.keys()) == [KEY]


def test_an_object_is_replaced_as_a_whole(place: ArchivePlace) -> None:
    put(place, KEY, b"the first one")
    put(place, KEY, b"second")
    assert b"".join(place.stream(KEY)) == b"second"


def test_an_object_that_was_not_finished_is_not_there(place: ArchivePlace) -> None:
    put(place, KEY, b"before")

    def interrupted(key: str) -> None:
        with place.put(key) as sink:
            sink.write(b"half")
            raise KeyboardInterrupt

    for key in (KEY, "1/b.zip"):
        with pytest.raises(KeyboardInterrupt):
            interrupted(key)
    assert list(place.keys()) == [KEY]
    assert b"".join(place.stream(KEY)) == b"before"


def test_what_is_missing_is_told_apart_from_what_fails(place: ArchivePlace) -> None:
    assert place.size(KEY) is None
    with pytest.raises(ArchiveMissingError, match=KEY):
        place.read(KEY, 0, 1)
    with pytest.raises(ArchiveMissingError, match=KEY):
        list(place.stream(KEY))


def test_removing_twice_is_no_error(place: ArchivePlace) -> None:
    put(place, KEY, b"x")
    place.delete(KEY)
    place.delete(KEY)
    place.delete("9/never.zip")
    assert list(place.keys()) == []
