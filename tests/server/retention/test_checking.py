import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scribe_server.retention.checking import Expected, RangedFile, check, members_in
from scribe_server.retention.zipping import Member, ZipWriter
from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.errors import BlobDamagedError

KEY = "1/a.zip"
TEXTS = {"metadata.json": b'{"a": 1}' * 30, "manifest.json": b"{}"}
SOUNDS = [bytes([number]) * (1000 + number) for number in range(5)]


def archive() -> tuple[bytes, Expected]:
    output = io.BytesIO()
    made = ZipWriter(output)
    for name, text in TEXTS.items():
        made.add_text(name, text)
    members = [made.add_stored(f"chunks/{n:04d}.webm", data) for n, data in enumerate(SOUNDS)]
    made.finish()
    sums = [hashlib.sha256(data).digest() for data in SOUNDS]
    spans = list(zip(members, sums, strict=True))
    return output.getvalue(), Expected(made.size, made.sha256, TEXTS, spans)


def put(folder: Path, data: bytes) -> FolderPlace:
    place = FolderPlace(folder)
    with place.put(KEY) as sink:
        sink.write(data)
    return place


def test_an_archive_that_is_what_it_must_be_is_accepted(tmp_path: Path) -> None:
    data, expected = archive()
    place = put(tmp_path, data)
    check(place, KEY, expected)


def test_every_single_changed_byte_is_found(tmp_path: Path) -> None:
    data, expected = archive()
    for at in [*range(0, len(data), 97), *range(len(data) - 500, len(data), 7)]:
        changed = bytearray(data)
        changed[at] ^= 0x20
        place = put(tmp_path, bytes(changed))
        with pytest.raises(BlobDamagedError):
            check(place, KEY, expected)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda _: b"",
        lambda data: bytes(len(data)),
    ],
    ids=["short", "long", "empty", "zeros"],
)
def test_what_is_no_such_archive_is_refused(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    data, expected = archive()
    with pytest.raises(BlobDamagedError):
        check(put(tmp_path, spoil(data)), KEY, expected)


def test_a_missing_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BlobDamagedError, match="None bytes"):
        check(FolderPlace(tmp_path), KEY, archive()[1])


def test_an_archive_of_other_contents_is_refused_though_it_is_sound(tmp_path: Path) -> None:
    data, expected = archive()
    place = put(tmp_path, data)
    member, _ = expected.chunks[2]
    for wrong in (
        replace(expected, texts={**TEXTS, "metadata.json": b"{}"}),
        replace(expected, texts={"metadata.json": TEXTS["metadata.json"]}),
        replace(expected, chunks=[*expected.chunks[:2], (member, bytes(32)), *expected.chunks[3:]]),
        replace(expected, chunks=expected.chunks[:-1]),
        replace(expected, sha256=bytes(32)),
    ):
        with pytest.raises(BlobDamagedError):
            check(place, KEY, wrong)


def test_spans_are_hashed_wherever_the_pieces_of_a_stream_end() -> None:
    data, expected = archive()
    spans = [member for member, _ in expected.chunks]
    for size in (1, 7, 999, 1000, 4096, len(data)):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        whole = hashlib.sha256()
        assert [found for found, _ in members_in(pieces, spans, whole)] == [
            sha256 for _, sha256 in expected.chunks
        ]
        assert whole.digest() == expected.sha256


def test_a_span_beyond_the_end_is_hashed_as_far_as_there_is_something() -> None:
    spans = [Member("a", 1, 99), Member("b", 100, 1)]
    found = list(members_in([b"abc"], spans, hashlib.sha256()))
    assert [digest for digest, _ in found] == [
        hashlib.sha256(b"bc").digest(),
        hashlib.sha256(b"").digest(),
    ]


def test_a_ranged_file_is_read_like_any_other(tmp_path: Path) -> None:
    place = put(tmp_path, b"0123456789")
    file = RangedFile(place, KEY, 10)
    assert file.seek(-3, io.SEEK_END) == 7
    assert file.read(9) == b"789"
    assert file.read(1) == b""
    assert file.seek(-9, io.SEEK_CUR) == 1
    assert file.read(2) == b"12"
    with pytest.raises(ValueError, match="before"):
        file.seek(-1)
    assert (file.readable(), file.seekable()) == (True, True)
