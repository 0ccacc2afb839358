import hashlib
import random
import uuid

import pytest

from scribe_server.ingest.ebml import is_webm
from scribe_server.loadtest.material import Material, stamp, synthetic_variants
from tests.parts.loadtest import MATERIAL, SESSION


def test_the_hash_is_that_of_the_bytes_and_the_size_their_number() -> None:
    for sequence in range(5):
        data = MATERIAL.chunk(SESSION, sequence)
        assert MATERIAL.sha256(SESSION, sequence) == hashlib.sha256(data).hexdigest()
        assert MATERIAL.size(SESSION, sequence) == len(data)


def test_no_two_chunks_are_alike() -> None:
    sessions = [SESSION, uuid.UUID(int=7, version=4)]
    chunks = {MATERIAL.chunk(session, number) for session in sessions for number in range(50)}
    assert len(chunks) == 100


def test_the_stamp_is_one_void_element_of_its_own_length() -> None:
    made = stamp(SESSION, 3)
    assert made[0] == 0xEC
    assert made[1] & 0x7F == len(made) - 2
    assert SESSION.bytes in made


@pytest.mark.parametrize("size", [256, 1000, 100_000])
def test_a_synthetic_chunk_is_a_webm_document_of_the_size_asked_for(size: int) -> None:
    material = Material(synthetic_variants(size, 2, random.Random(1)))
    chunk = material.chunk(SESSION, 0)
    assert len(chunk) == size
    assert is_webm(chunk)


def elements(data: bytes) -> list[tuple[int, int]]:
    """First byte of the id and end of each top-level element, all with 4-byte ids or Void."""
    found = []
    position = 0
    while position < len(data):
        id_bytes = 1 if data[position] == 0xEC else 4
        first = data[position + id_bytes]
        width = 9 - first.bit_length()
        raw = int.from_bytes(data[position + id_bytes : position + id_bytes + width], "big")
        end = position + id_bytes + width + (raw & ((1 << 7 * width) - 1))
        found.append((data[position], end))
        position = end
    return found


def test_a_synthetic_chunk_is_header_segment_and_stamp_without_a_byte_left_over() -> None:
    (variant,) = synthetic_variants(5000, 1, random.Random(1))
    chunk = Material([variant]).chunk(SESSION, 0)
    assert [first for first, _ in elements(chunk)] == [0x1A, 0x18, 0xEC]
    assert elements(chunk)[-1][1] == len(chunk)


def test_a_chunk_too_small_for_its_header_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        synthetic_variants(50, 1, random.Random(1))
