"""Accepting one chunk: what can be said without the store, and how its outcome is told."""

from typing import Final

from scribe_server.ingest.ebml import is_webm
from scribe_server.protocol import (
    ERRORS,
    MAX_CHUNK_BYTES,
    MAX_SEQUENCE_JUMP,
    AudioChunk,
    ChunkAck,
    ChunkError,
    ErrorCode,
)
from scribe_server.store.batch import ChunkWrite, Stored
from scribe_server.store.hot import HotSession

_MOST_MS: Final = 2**53 - 1


def refusal_of(chunk: AudioChunk, *, scribe_client: bool) -> ErrorCode | None:
    """Why a chunk cannot be taken, whatever its session; None when it can."""
    if len(chunk.audio) > MAX_CHUNK_BYTES:
        return ErrorCode.CHUNK_TOO_LARGE
    if chunk.size is not None and chunk.size != len(chunk.audio):
        return ErrorCode.INVALID_PAYLOAD
    if scribe_client and not is_webm(chunk.audio):
        return ErrorCode.UNSUPPORTED_MEDIA
    return None


def jumps_too_far(chunk: AudioChunk, session: HotSession) -> bool:
    """Whether the sequence is so far above the highest stored one that it must be a mistake."""
    return chunk.sequence - session.max_seq > MAX_SEQUENCE_JUMP


def to_write(chunk: AudioChunk, session: HotSession) -> ChunkWrite:
    """The chunk as the store takes it."""
    return ChunkWrite(
        session=session,
        sequence=chunk.sequence,
        payload=bytes(chunk.audio),
        claimed=None if chunk.sha256 is None else bytes.fromhex(chunk.sha256),
        mime_type=chunk.mime_type,
        first_sample=chunk.first_sample,
        samples=chunk.samples,
        taken_at=whole_ms(chunk.timestamp),
    )


def whole_ms(time: float | None) -> int | None:
    """A client's time as whole ms; None when it gave none or one that cannot be."""
    if time is None or not 0 <= time <= _MOST_MS:
        return None
    return int(time)


def ack_of(chunk: AudioChunk, stored: Stored) -> ChunkAck:
    """The answer for a durable chunk; the socket fills in `can_accept` and `window`."""
    return ChunkAck(
        session_id=chunk.session_id,
        sequence=chunk.sequence,
        timestamp=stored.stored_at,
        chunk_id=f"{chunk.session_id}:{chunk.sequence}",
        duplicate=stored.duplicate,
        can_accept=True,
        sha256=stored.sha256,
        stored_at=stored.stored_at,
        window=0,
    )


def error_of(chunk: AudioChunk, code: ErrorCode) -> ChunkError:
    """The answer for a chunk that was not stored."""
    spec = ERRORS[code]
    return ChunkError(chunk.session_id, chunk.sequence, spec.text, code, spec.retryable)
