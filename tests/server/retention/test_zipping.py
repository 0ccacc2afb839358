import hashlib
import io
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_server.retention.zipping import Member, ZipWriter

TEXT = b'{"title": "A talk"}' * 50
SOUND = bytes(range(256)) * 40


def written(limit: int = 0xFFFFFFFF, most: int = 0xFFFF) -> tuple[bytes, ZipWriter]:
    output = io.BytesIO()
    archive = ZipWriter(output, limit, most)
    archive.add_text("metadata.json", TEXT)
    archive.add_stored("chunks/0000.webm", SOUND)
    archive.add_stored("chunks/0001.webm", b"")
    archive.add_stored("chunks/0002.webm", SOUND[::-1])
    archive.finish()
    return output.getvalue(), archive


def test_any_zip_reader_gives_back_what_was_put_in() -> None:
    data, _ = written()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            *("metadata.json", "chunks/0000.webm", "chunks/0001.webm", "chunks/0002.webm"),
        ]
        assert archive.read("metadata.json") == TEXT
        assert archive.read("chunks/0002.webm") == SOUND[::-1]


def test_text_is_deflated_and_audio_stored_as_it_is() -> None:
    data, archive = written()
    with zipfile.ZipFile(io.BytesIO(data)) as read:
        kinds = [info.compress_type for info in read.infolist()]
    assert kinds == [zipfile.ZIP_DEFLATED] + [zipfile.ZIP_STORED] * 3
    text, first, empty, last = archive.members
    assert text.size < len(TEXT)
    assert data[first.offset : first.offset + first.size] == SOUND
    assert empty == Member("chunks/0001.webm", empty.offset, 0)
    assert data[last.offset : last.offset + last.size] == SOUND[::-1]


def test_the_same_contents_are_the_same_bytes() -> None:
    first, archive = written()
    second, _ = written()
    assert first == second
    assert archive.size == len(first)
    assert archive.sha256 == hashlib.sha256(first).digest()


def test_members_are_files_that_only_their_owner_can_read_of_the_first_day_of_zip() -> None:
    data, _ = written()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            assert info.external_attr >> 16 == 0o100600
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.flag_bits == 0


@pytest.mark.parametrize(("limit", "most"), [(0, 0xFFFF), (0xFFFFFFFF, 4), (2000, 2)])
def test_a_large_archive_is_a_zip64_file(limit: int, most: int) -> None:
    data, _ = written(limit, most)
    assert b"PK\6\6" in data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.read("chunks/0000.webm") == SOUND
        assert archive.read("chunks/0002.webm") == SOUND[::-1]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_whatever_the_bytes_are_they_come_back(payloads: list[bytes]) -> None:
    output = io.BytesIO()
    archive = ZipWriter(output)
    for number, payload in enumerate(payloads):
        archive.add_stored(f"{number}", payload)
    archive.finish()
    with zipfile.ZipFile(output) as read:
        assert [read.read(name) for name in read.namelist()] == payloads
        assert [info.CRC for info in read.infolist()] == [zlib.crc32(one) for one in payloads]
