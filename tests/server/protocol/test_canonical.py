"""Golden vectors: a change here breaks every receipt and every book that exists."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import ValidationError

from scribe_server.protocol import (
    AudioChunk,
    Backpressure,
    BackpressureReason,
    ChunkError,
    ErrorCode,
    Manifest,
    ManifestChunk,
    ManifestGap,
    Receipt,
    StartSession,
    SyncCheck,
    canonical_json,
    digest_of,
    manifest_digest,
    missing_ranges,
    parse,
    receipt_message,
    to_ranges,
    to_wire,
)

SESSION = "01234567-89ab-4cde-8f01-23456789abcd"

MANIFEST = Manifest(
    session_id=SESSION,
    chunks=[
        ManifestChunk(0, "00" * 32, 0, 1_439_688),
        ManifestChunk(1, "ff" * 32, 1_439_688, 1_440_000),
    ],
    gaps=[ManifestGap(48_000, 0, "pause", 61_000)],
    total_samples=2_879_688,
)
MANIFEST_TEXT = (
    '{"chunks":[{"firstSample":0,"samples":1439688,"sequence":0,"sha256":"' + "00" * 32 + '"},'
    '{"firstSample":1439688,"samples":1440000,"sequence":1,"sha256":"' + "ff" * 32 + '"}],'
    '"gaps":[{"atSample":48000,"reason":"pause","samples":0,"wallMs":61000}],'
    '"sessionId":"01234567-89ab-4cde-8f01-23456789abcd","totalSamples":2879688}'
)
MANIFEST_DIGEST = "19ce953906ae05c04553bcf463924fccfe5c4fa985d773121cb06e6f4d7277fe"

RECEIPT = Receipt(
    session_id=SESSION,
    digest=MANIFEST_DIGEST,
    chunks=2,
    total_samples=2_879_688,
    bytes=240_000,
    server_id="fedcba98-7654-4321-8fed-cba987654321",
    stored_at=1_700_000_000_000,
    key_id="0123456789abcdef",
    signature="aa" * 64,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ([], "[]"),
        ({"b": 1, "a": [3, -2, 0], "C": None}, '{"C":null,"a":[3,-2,0],"b":1}'),
        ({"t": True, "f": False}, '{"f":false,"t":true}'),
        (2**53 - 1, "9007199254740991"),
        (-(2**53) + 1, "-9007199254740991"),
        # RFC 8785, 3.2.2.2: which characters are escaped, and how.
        (
            "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
            '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
        ),
        ("\b\t\n\f\r\x00\x1f\x7f", '"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"'),
        ("\u2028 \U0001f600 é", '"\u2028 \U0001f600 é"'),
    ],
)
def test_canonical_json_is_that_of_rfc_8785(value: Any, text: str) -> None:
    assert canonical_json(value) == text.encode()


@pytest.mark.parametrize(
    "value", [1.0, 2**53, -(2**53), {"a": [0.5]}, [{"b": 2**60}], ((1, 2**54),)]
)
def test_what_json_readers_would_round_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="exact integers"):
        canonical_json(value)


def test_the_manifests_digest_is_the_sha256_of_its_canonical_text() -> None:
    assert manifest_digest(MANIFEST) == hashlib.sha256(MANIFEST_TEXT.encode()).hexdigest()
    assert manifest_digest(MANIFEST) == MANIFEST_DIGEST


def test_the_signed_message_of_a_receipt_is_written_out() -> None:
    assert receipt_message(RECEIPT) == (
        b"scribe-receipt-v1\n"
        b'{"bytes":240000,"chunks":2,"digest":"' + MANIFEST_DIGEST.encode() + b'",'
        b'"keyId":"0123456789abcdef","serverId":"fedcba98-7654-4321-8fed-cba987654321",'
        b'"sessionId":"01234567-89ab-4cde-8f01-23456789abcd","storedAt":1700000000000,'
        b'"totalSamples":2879688}'
    )


def test_the_books_digest_is_sequences_and_hashes_in_binary() -> None:
    expected = hashlib.sha256(
        bytes(8) + bytes(32) + bytes(6) + b"\x01\x02" + b"\xff" * 32
    ).hexdigest()
    assert digest_of([(0, "00" * 32), (258, "ff" * 32)]) == expected
    assert digest_of([]) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("sequences", "ranges"),
    [
        ([], []),
        ([5], [(5, 5)]),
        ([0, 1, 2], [(0, 2)]),
        ([0, 2, 3, 9], [(0, 0), (2, 3), (9, 9)]),
        ([1, 1, 2], [(1, 2)]),
    ],
)
def test_sequences_in_a_row_are_one_range(
    sequences: list[int], ranges: list[tuple[int, int]]
) -> None:
    assert to_ranges(sequences) == ranges


@pytest.mark.parametrize(
    ("stored", "expected", "missing"),
    [
        ([], 0, []),
        ([], 3, [(0, 2)]),
        ([(0, 2)], 3, []),
        ([(1, 1)], 3, [(0, 0), (2, 2)]),
        ([(0, 9)], 3, []),
        ([(5, 9)], 3, [(0, 2)]),
        ([(0, 0), (4, 5)], 8, [(1, 3), (6, 7)]),
    ],
)
def test_what_the_ranges_leave_out_is_missing(
    stored: list[tuple[int, int]], expected: int, missing: list[tuple[int, int]]
) -> None:
    assert missing_ranges(stored, expected) == missing


@given(st.sets(st.integers(0, 60)), st.integers(0, 60))
def test_stored_and_missing_together_are_everything_once(stored: set[int], expected: int) -> None:
    missing = {
        number
        for first, last in missing_ranges(to_ranges(sorted(stored)), expected)
        for number in range(first, last + 1)
    }
    assert missing == set(range(expected)) - stored


def test_a_payload_survives_the_wire() -> None:
    assert parse(to_wire(MANIFEST), Manifest) == MANIFEST
    assert parse(to_wire(RECEIPT), Receipt) == RECEIPT


def test_what_is_none_is_left_off_the_wire() -> None:
    assert to_wire(Backpressure(can_accept=True)) == {"canAccept": True}
    assert to_wire(Backpressure(False, BackpressureReason.QUEUE, 500)) == {
        "canAccept": False,
        "reason": "queue",
        "retryAfterMs": 500,
    }
    assert to_wire(ChunkError(SESSION, 3, "busy", ErrorCode.BUSY, retryable=True)) == {
        "sessionId": SESSION,
        "sequence": 3,
        "error": "busy",
        "code": "busy",
        "retryable": True,
    }


CHUNK = {"sessionId": SESSION, "sequence": 0, "audio": b"abc"}


def test_an_original_clients_chunk_is_read() -> None:
    chunk = parse(
        {**CHUNK, "timestamp": 1.5, "size": 3, "mimeType": "audio/webm", "unknown": [1]},
        AudioChunk,
    )
    assert (chunk.audio, chunk.size, chunk.sha256, chunk.timestamp) == (b"abc", 3, None, 1.5)
    assert parse({**CHUNK, "audio": bytearray(b"abc")}, AudioChunk).audio == b"abc"
    assert parse({**CHUNK, "audio": memoryview(b"abc")}, AudioChunk).audio == b"abc"


@pytest.mark.parametrize(
    ("data", "kind", "field"),
    [
        # each: what came, as what it is read, the field that the refusal names
        ({**CHUNK, "audio": "YWJj"}, AudioChunk, "audio"),
        ({**CHUNK, "audio": [97]}, AudioChunk, "audio"),
        ({**CHUNK, "audio": None}, AudioChunk, "audio"),
        ({**CHUNK, "sequence": -1}, AudioChunk, "sequence"),
        ({**CHUNK, "sequence": 1_000_000}, AudioChunk, "sequence"),
        ({**CHUNK, "sequence": 2**63}, AudioChunk, "sequence"),
        ({**CHUNK, "sequence": 1.5}, AudioChunk, "sequence"),
        ({**CHUNK, "sequence": True}, AudioChunk, "sequence"),
        ({**CHUNK, "sequence": "1"}, AudioChunk, "sequence"),
        ({**CHUNK, "sessionId": "../../x"}, AudioChunk, "sessionId"),
        ({**CHUNK, "sessionId": SESSION + "\n"}, AudioChunk, "sessionId"),
        ({**CHUNK, "sessionId": SESSION + "\0"}, AudioChunk, "sessionId"),
        ({**CHUNK, "sessionId": "a" * 1_000_000}, AudioChunk, "sessionId"),
        ({**CHUNK, "sha256": "AB" * 32}, AudioChunk, "sha256"),
        ({**CHUNK, "size": -1}, AudioChunk, "size"),
        ({**CHUNK, "samples": 2**53}, AudioChunk, "samples"),
        ({"sequence": 0, "audio": b""}, AudioChunk, "sessionId"),
        ([], AudioChunk, "object"),
        (None, AudioChunk, "object"),
        ("text", AudioChunk, "object"),
        ({"sessionId": SESSION, "title": "x" * 1001}, StartSession, "title"),
        ({"sessionId": SESSION, "channels": 0}, StartSession, "channels"),
        ({"sessions": [{}] * 201}, SyncCheck, "sessions"),
        (
            {"sessions": [{"sessionId": SESSION, "have": [[0]], "digest": "0" * 64}]},
            SyncCheck,
            "have",
        ),
    ],
)
def test_what_is_not_of_the_documented_form_is_refused_naming_the_field(
    data: object, kind: type[Any], field: str
) -> None:
    with pytest.raises(ValidationError, match=field):
        parse(data, kind)
