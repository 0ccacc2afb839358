import msgspec
import pytest

from scribe_server.ingest.chunks import (
    ack_of,
    error_of,
    jumps_too_far,
    refusal_of,
    to_write,
    whole_ms,
)
from scribe_server.protocol import ERRORS, MAX_CHUNK_BYTES, ErrorCode
from scribe_server.store.batch import Stored
from scribe_server.store.hot import HotSession
from tests.parts.store import SAMPLES, SESSION, START_MS, chunk_of, sha_of, webm


def session(max_seq: int) -> HotSession:
    return HotSession(7, 1, "anna", SESSION, "chunks", None, max_seq=max_seq, recording=True)


def test_a_chunk_of_exactly_ten_mebibytes_is_taken() -> None:
    largest = chunk_of(0, audio=webm(bytes(MAX_CHUNK_BYTES - 12)))
    assert len(largest.audio) == MAX_CHUNK_BYTES
    assert refusal_of(largest, scribe_client=True) is None
    larger = chunk_of(0, audio=largest.audio + b"x")
    assert refusal_of(larger, scribe_client=True) is ErrorCode.CHUNK_TOO_LARGE


def test_an_empty_chunk_of_an_original_client_is_taken() -> None:
    empty = chunk_of(0, audio=b"")
    assert refusal_of(empty, scribe_client=False) is None
    assert refusal_of(empty, scribe_client=True) is ErrorCode.UNSUPPORTED_MEDIA


@pytest.mark.parametrize(
    ("highest", "sequence", "far"),
    [(-1, 9_999, False), (-1, 10_000, True), (5, 10_005, False), (5, 10_006, True), (5, 0, False)],
)
def test_a_jump_is_counted_from_the_highest_stored_sequence(
    highest: int, sequence: int, far: bool
) -> None:
    assert jumps_too_far(chunk_of(sequence), session(highest)) is far


@pytest.mark.parametrize(
    ("time", "ms"),
    [
        (None, None),
        (0, 0),
        (1.9, 1),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        (2**53, None),
        (2**53 - 1, 2**53 - 1),
        pytest.param(10**400, None, id="beyond any float"),
    ],
)
def test_a_clients_time_is_whole_milliseconds_or_nothing(time: float, ms: int | None) -> None:
    assert whole_ms(time) == ms


def test_the_store_gets_all_that_the_chunk_says() -> None:
    write = to_write(chunk_of(3), session(2))
    assert (write.sequence, write.first_sample, write.samples) == (3, 3 * SAMPLES, SAMPLES)
    assert (write.claimed, write.taken_at) == (bytes.fromhex(sha_of(3)), START_MS + 90_000)
    assert to_write(msgspec.structs.replace(chunk_of(3), sha256=None), session(2)).claimed is None


def test_an_ack_echoes_the_sha256_and_names_the_chunk() -> None:
    ack = ack_of(chunk_of(3), Stored("ab" * 32, 17, duplicate=True))
    assert (ack.session_id, ack.sequence, ack.chunk_id) == (SESSION, 3, f"{SESSION}:3")
    assert (ack.sha256, ack.stored_at, ack.duplicate) == ("ab" * 32, 17, True)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_refusal_is_told_in_the_words_of_the_table(code: ErrorCode) -> None:
    error = error_of(chunk_of(3), code)
    assert (error.error, error.retryable) == (ERRORS[code].text, ERRORS[code].retryable)
    assert (error.session_id, error.sequence, error.code) == (SESSION, 3, code)
