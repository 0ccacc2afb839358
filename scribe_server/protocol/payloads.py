"""Payloads of the Socket.IO events. Fields with a default are optional on the wire."""

from typing import Annotated

import msgspec

from scribe_server.protocol.errors import ErrorCode
from scribe_server.protocol.fields import (
    Count,
    Label,
    Millis,
    Range,
    Sequence,
    SessionId,
    Sha256Hex,
)
from scribe_server.protocol.names import (
    MAX_SYNC_CHECK_SESSIONS,
    BackpressureReason,
    SessionStatus,
)


class Payload(msgspec.Struct, rename="camel", frozen=True):
    """Base of all payloads: camelCase on the wire, unknown fields ignored."""


# ----------------------------------------------------------------------------- connect


class ConnectAuth(Payload, frozen=True):
    """`auth` of the CONNECT packet. `protocol` is absent for an original client."""

    token: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    client: Label | None = None
    protocol: int | None = None
    device_id: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Limits(Payload, frozen=True):
    """What the server allows: bytes, milliseconds, bytes left this month (None: no quota)."""

    max_chunk_bytes: int
    chunk_ms: int
    quota_bytes_left: int | None


class Welcome(Payload, frozen=True):
    """First event after CONNECT."""

    protocol: int
    server_id: str
    server_time: Millis
    user_id: str
    can_accept: bool
    window: int
    limits: Limits


class Refusal(Payload, frozen=True):
    """`data` of a `connect_error`."""

    code: ErrorCode
    message: str


# -------------------------------------------------------------------- client to server


class StartSession(Payload, frozen=True):
    """Begin or resume a session. Sending it again for an own session is how a client resumes."""

    session_id: SessionId
    user_id: Label | None = None
    title: Label | None = None
    source: Annotated[str, msgspec.Meta(max_length=50)] = "mic"
    started_at: Millis | None = None
    timezone: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    sample_rate: Count | None = None
    channels: Annotated[int, msgspec.Meta(ge=1, le=255)] | None = None
    codec: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    chunk_ms: Count | None = None
    device: Label | None = None
    forked_from: SessionId | None = None


class AudioChunk(Payload, frozen=True):
    """One chunk: `audio` is the message's single binary attachment, `size` its bytes."""

    session_id: SessionId
    sequence: Sequence
    audio: bytes
    timestamp: int | float | None = None
    size: Count | None = None
    mime_type: Annotated[str, msgspec.Meta(max_length=200)] = "audio/webm"
    duration_ms: int | float | None = None
    sha256: Sha256Hex | None = None
    first_sample: Count | None = None
    samples: Count | None = None


class PauseSession(Payload, frozen=True):
    """A live hint that recording pauses; never replayed."""

    session_id: SessionId
    paused_at: int | float | None = None


class ResumeSession(Payload, frozen=True):
    """A live hint that recording goes on; never replayed."""

    session_id: SessionId
    resumed_at: int | float | None = None


class ManifestChunk(Payload, frozen=True):
    """One chunk as the client counts it; `first_sample` and `samples` are its own samples."""

    sequence: Sequence
    sha256: Sha256Hex
    first_sample: Count
    samples: Count


class ManifestGap(Payload, frozen=True):
    """A labelled stretch: samples > 0 are zeros inside the audio; 0 is a cut of `wall_ms`."""

    at_sample: Count
    samples: Count
    reason: Annotated[str, msgspec.Meta(max_length=50)]
    wall_ms: Count


class Manifest(Payload, frozen=True):
    """All that a session consists of; its canonical JSON's SHA-256 is the receipt's digest."""

    session_id: SessionId
    chunks: list[ManifestChunk]
    gaps: list[ManifestGap]
    total_samples: Count


class StopSession(Payload, frozen=True):
    """End a session. With a manifest it is idempotent and the only way to a receipt."""

    session_id: SessionId
    user_id: Label | None = None
    manifest: Manifest | None = None


class SyncCheckSession(Payload, frozen=True):
    """What the client counts as acked: inclusive ranges, and their digest (see digest_of)."""

    session_id: SessionId
    have: list[Range]
    digest: Sha256Hex


class SyncCheck(Payload, frozen=True):
    """Compare the client's books with the server's."""

    sessions: Annotated[list[SyncCheckSession], msgspec.Meta(max_length=MAX_SYNC_CHECK_SESSIONS)]


# -------------------------------------------------------------------- server to client


class SessionStarted(Payload, frozen=True):
    """Answer to start-session: what is missing below `max_seq` (-1: nothing stored yet)."""

    session_id: str
    status: str
    started_at: Millis
    missing_ranges: list[Range]
    max_seq: int


class ChunkAck(Payload, frozen=True):
    """The chunk's bytes and row are durable; `sha256` is what was stored."""

    session_id: str
    sequence: int
    timestamp: Millis
    chunk_id: str
    duplicate: bool
    can_accept: bool
    sha256: str
    stored_at: Millis
    window: int


class ChunkError(Payload, frozen=True):
    """The chunk was not stored; `retryable` says whether to send it again."""

    session_id: str
    sequence: int
    error: str
    code: ErrorCode
    retryable: bool
    retry_after_ms: int | None = None


class Backpressure(Payload, frozen=True):
    """Whether the server takes chunks now. True goes to every socket that was told False."""

    can_accept: bool
    reason: BackpressureReason | None = None
    retry_after_ms: int | None = None


class SessionError(Payload, frozen=True):
    """A request about a session was refused."""

    error: str
    code: ErrorCode
    session_id: str | None = None
    details: str | None = None


class SessionPaused(Payload, frozen=True):
    """Answer to pause-session."""

    session_id: str
    paused_at: Millis


class SessionResumed(Payload, frozen=True):
    """Answer to resume-session."""

    session_id: str
    resumed_at: Millis


class SessionStopped(Payload, frozen=True):
    """Answer to stop-session."""

    session_id: str
    stopped_at: Millis


class SessionIncomplete(Payload, frozen=True):
    """The manifest names chunks that the server lacks (inclusive ranges)."""

    session_id: str
    missing_ranges: list[Range]


class Receipt(Payload, frozen=True):
    """The signed proof of delivery: Ed25519 over receipt_message(), `signature` in hex."""

    session_id: str
    digest: Sha256Hex
    chunks: Count
    total_samples: Count
    bytes: Count
    server_id: str
    stored_at: Millis
    key_id: str
    signature: str


class SyncStateSession(Payload, frozen=True):
    """The server's books for one session; `match` compares digests over the client's `have`."""

    session_id: str
    status: SessionStatus
    match: bool
    stored: list[Range]
    max_seq: int
    receipt_digest: str | None = None


class SyncState(Payload, frozen=True):
    """Answer to sync-check."""

    sessions: list[SyncStateSession]
