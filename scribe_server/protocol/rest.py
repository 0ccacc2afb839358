"""Bodies of the REST interface."""

from scribe_server.protocol.errors import ErrorCode
from scribe_server.protocol.fields import Millis
from scribe_server.protocol.names import SessionStatus
from scribe_server.protocol.payloads import Payload, Receipt


class PublicKey(Payload, frozen=True):
    """One receipt key: raw Ed25519 public key in hex."""

    key_id: str
    algorithm: str
    public_key: str


class ServerKeys(Payload, frozen=True):
    """Document at WELL_KNOWN_KEYS; the first key is the current one."""

    server_id: str
    keys: list[PublicKey]


class SessionSummary(Payload, frozen=True):
    """One session in REST lists."""

    session_id: str
    title: str
    source: str
    status: SessionStatus
    started_at: Millis
    created_at: Millis
    stopped_at: Millis | None
    chunks: int
    bytes: int
    total_samples: int | None
    layout: str
    receipt: Receipt | None


class SessionList(Payload, frozen=True):
    """Answer of GET /api/sessions, newest first; `next` is the cursor of the next page."""

    sessions: list[SessionSummary]
    next: str | None


class StoredChunk(Payload, frozen=True):
    """One chunk in GET /api/sessions/{id}/chunks; `state` is stored or damaged."""

    sequence: int
    sha256: str
    size: int
    state: str


class StoredChunks(Payload, frozen=True):
    """Answer of GET /api/sessions/{id}/chunks, in ascending order."""

    chunks: list[StoredChunk]


class MissingChunks(Payload, frozen=True):
    """Answer of GET /api/sessions/{id}/missing-chunks (flat numbers, as the original had)."""

    missing: list[int]
    max_seq: int
    total_chunks: int
    expected_chunks: int | None
    complete: bool | None
    truncated: bool


class RestError(Payload, frozen=True):
    """Body of every REST refusal."""

    code: ErrorCode
    error: str
    details: str | None = None
