import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_server.ingest.ebml import is_webm

# A header as libwebm writes it: versions first, then the doctype, then what follows.
FFMPEG = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581 02")
LONG_SIZE = bytes.fromhex("1a45dfa3010000000000001f") + FFMPEG[5:]


@pytest.mark.parametrize(
    "data",
    [
        FFMPEG,
        LONG_SIZE,
        FFMPEG + b"anything may follow",
        bytes.fromhex("1a45dfa3874282847765626d"),
        bytes.fromhex("1a45dfa38942828677 65626d0000"),  # padded with zeros
    ],
)
def test_a_webm_document_is_known_by_its_header(data: bytes) -> None:
    assert is_webm(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OggS" + bytes(100),
        b"\x1a\x45\xdf\xa3",
        FFMPEG[:10],
        FFMPEG[:30].replace(b"webm", b"webX"),
        bytes.fromhex("1a45dfa38b428288") + b"matroska",
        bytes.fromhex("1a45dfa387428204") + b"webm",  # a size that says nothing
        bytes.fromhex("1a45dfa3874282ff") + b"webm",  # a string beyond its header
        bytes.fromhex("1a45dfa380") + FFMPEG[5:],  # the doctype stands behind the header
        b"\x1a\x45\xdf\xa3\x00" + bytes(20),
    ],
)
def test_anything_else_is_not(data: bytes) -> None:
    assert not is_webm(data)


@given(st.binary(max_size=60))
def test_no_bytes_behind_the_magic_break_the_check(data: bytes) -> None:
    assert is_webm(b"\x1a\x45\xdf\xa3" + data) in {True, False}
