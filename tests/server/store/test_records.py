import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_server.store.blobs import FoundRecord, Record, RecordAbout, RecordKind
from scribe_server.store.records import (
    BLOCK_BYTES,
    HEADER_BYTES,
    MAGIC,
    aligned,
    encode_header,
    scan_segment,
)
from tests.parts.store import SESSION


def record(payload: bytes, sequence: int = 5) -> Record:
    return Record(
        kind=RecordKind.CHUNK,
        owner=3,
        sequence=sequence,
        payload=payload,
        sha256=hashlib.sha256(payload).digest(),
        about=RecordAbout(
            session=SESSION, user="anna", stored_at=9, mime_type="audio/webm", first_sample=0
        ),
    )


def written(*records: Record) -> bytes:
    return b"".join(encode_header(one) + one.payload for one in records)


def scan(data: bytes, start: int = 0) -> list[FoundRecord]:
    def read_at(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    return list(scan_segment(1, read_at, len(data), start))


def test_the_header_is_laid_out_as_documented() -> None:
    header = encode_header(record(b"abc"))
    about = header[HEADER_BYTES:]
    assert header[:8] == MAGIC == b"SCRBREC1"
    assert header[8:12] == bytes([1, 0]) + len(about).to_bytes(2, "big")
    assert header[12:16] == (5).to_bytes(4, "big")
    assert header[16:24] == (3).to_bytes(8, "big")
    assert header[24:32] == (3).to_bytes(8, "big")
    assert header[32:64] == hashlib.sha256(b"abc").digest()
    assert HEADER_BYTES == 68
    assert about.startswith(b'{"session":"' + SESSION.encode())


def test_a_scan_finds_all_that_was_written() -> None:
    data = written(record(b"one", 1), record(b"", 2), record(b"three" * 1000, 3))
    found = scan(data)
    assert [(one.sequence, one.whole, one.owner) for one in found] == [
        (1, True, 3),
        (2, True, 3),
        (3, True, 3),
    ]
    assert found[0].about == record(b"one").about
    assert [data[f.ref.offset : f.ref.offset + f.ref.length] for f in found] == [
        b"one",
        b"",
        b"three" * 1000,
    ]


@given(cut=st.integers(min_value=1))
def test_a_scan_of_a_torn_record_ends_before_it(cut: int) -> None:
    whole, torn = written(record(b"whole")), written(record(b"torn"))
    data = whole + torn[: -1 - cut % (len(torn) - 1)]
    assert len(scan(data)) == 1


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_flipped_byte_is_never_taken_for_a_whole_record(place: int, flip: int) -> None:
    data = bytearray(written(record(b"payload")))
    data[place % len(data)] ^= flip
    assert [one for one in scan(bytes(data)) if one.whole] == []


def test_a_scan_steps_over_a_record_whose_payload_was_wiped() -> None:
    data = written(record(b"one")) + encode_header(record(b"two")) + b"\0\0\0"
    assert [one.whole for one in scan(data + written(record(b"three")))] == [True, False, True]


@pytest.mark.parametrize("size", [0, 1, HEADER_BYTES - 1])
def test_a_file_without_room_for_a_header_has_no_record(size: int) -> None:
    assert scan(MAGIC[:size] + bytes(max(0, size - len(MAGIC)))) == []


def filled(data: bytes) -> bytes:
    return data + bytes(aligned(len(data)) - len(data))


def test_a_scan_steps_over_the_zeros_that_fill_up_a_batch() -> None:
    data = filled(written(record(b"one", 1), record(b"two", 2))) + filled(written(record(b"x", 3)))
    assert [one.sequence for one in scan(data)] == [1, 2, 3]
    assert len(data) == 2 * BLOCK_BYTES


def test_a_record_behind_a_damaged_one_is_not_looked_for() -> None:
    one = written(record(b"one", 1))
    hurt = bytearray(written(record(bytes(2 * BLOCK_BYTES), 2)))
    hurt[0] ^= 1
    forged = written(record(b"forged", 9))
    data = bytearray(filled(one + bytes(hurt)))
    data[BLOCK_BYTES : BLOCK_BYTES + len(forged)] = forged
    assert [found.sequence for found in scan(bytes(data))] == [1]
    assert [found.sequence for found in scan(bytes(data), BLOCK_BYTES)] == [9]


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(0, 0), (1, 4096), (4096, 4096), (4097, 8192), (2**40 + 1, 2**40 + 4096)],
)
def test_a_block_begins_at_each_multiple_of_4096(offset: int, expected: int) -> None:
    assert aligned(offset) == expected
