import msgspec

from scribe_server.loadtest.manifest import (
    chunk_fields,
    manifest_of,
    says_the_same,
    start_fields,
)
from scribe_server.protocol import AudioChunk, Receipt, StartSession, manifest_digest, parse
from tests.parts.loadtest import MATERIAL, SESSION


def receipt(chunks: int) -> Receipt:
    manifest = manifest_of(MATERIAL, SESSION, chunks)
    size = sum(MATERIAL.size(SESSION, sequence) for sequence in range(chunks))
    digest = manifest_digest(manifest)
    return Receipt(
        str(SESSION), digest, chunks, manifest.total_samples, size, "server", 1, "key", ""
    )


def test_the_payloads_are_of_the_documented_form() -> None:
    fields = {**chunk_fields(MATERIAL, SESSION, 3, 99), "audio": MATERIAL.chunk(SESSION, 3)}
    chunk = parse(fields, AudioChunk)
    assert (chunk.first_sample, chunk.samples) == (3 * 1_440_000, 1_440_000)
    assert chunk.size == len(chunk.audio)
    assert parse(start_fields(SESSION, 7, "ann"), StartSession).user_id == "ann"
    assert parse(start_fields(SESSION, 7, None), StartSession).user_id is None


def test_the_manifest_is_without_holes() -> None:
    manifest = manifest_of(MATERIAL, SESSION, 3)
    ends = [chunk.first_sample + chunk.samples for chunk in manifest.chunks]
    assert [0, *ends[:-1]] == [chunk.first_sample for chunk in manifest.chunks]
    assert ends[-1] == manifest.total_samples


def test_a_receipt_must_speak_of_the_very_same_chunks() -> None:
    manifest = manifest_of(MATERIAL, SESSION, 3)
    right = receipt(3)
    assert says_the_same(right, MATERIAL, manifest)
    assert not says_the_same(receipt(2), MATERIAL, manifest)
    for change in ({"digest": "0" * 64}, {"bytes": 1}, {"session_id": "x"}, {"chunks": 4}):
        assert not says_the_same(msgspec.structs.replace(right, **change), MATERIAL, manifest)
