"""The one table of refusals: code, text, whether to send again, HTTP status."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class ErrorCode(StrEnum):
    """Every refusal that the server can give, on Socket.IO and REST alike."""

    UNAUTHORIZED = "unauthorized"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - the name of a refusal, not a secret
    PROTOCOL_UNSUPPORTED = "protocol_unsupported"
    INVALID_PAYLOAD = "invalid_payload"
    NOT_FOUND = "not_found"
    SESSION_CLOSED = "session_closed"
    SUPERSEDED = "superseded"
    CONFLICT = "conflict"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    CHUNK_TOO_LARGE = "chunk_too_large"
    UNSUPPORTED_MEDIA = "unsupported_media"
    QUOTA_EXCEEDED = "quota_exceeded"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    STORAGE_FULL = "storage_full"
    STORAGE_FAILED = "storage_failed"
    INTERNAL = "internal"


class ErrorSpec(NamedTuple):
    """What a code means: a sentence for people, whether to send again, and its HTTP status."""

    text: str
    retryable: bool
    http_status: int


ERRORS: Final[Mapping[ErrorCode, ErrorSpec]] = {
    ErrorCode.UNAUTHORIZED: ErrorSpec("Sign in: the token is missing or wrong.", False, 401),
    ErrorCode.TOKEN_EXPIRED: ErrorSpec("Sign in again: the token has expired.", False, 401),
    ErrorCode.PROTOCOL_UNSUPPORTED: ErrorSpec(
        "This server does not speak that protocol version: update the older side.", False, 400
    ),
    ErrorCode.INVALID_PAYLOAD: ErrorSpec("The message is not of the documented form.", False, 400),
    ErrorCode.NOT_FOUND: ErrorSpec("There is no such session for this user.", False, 404),
    ErrorCode.SESSION_CLOSED: ErrorSpec("The session was deleted on the server.", False, 410),
    ErrorCode.SUPERSEDED: ErrorSpec("Another connection has taken over the session.", False, 409),
    ErrorCode.CONFLICT: ErrorSpec("Something else is stored under that name.", False, 409),
    ErrorCode.CHECKSUM_MISMATCH: ErrorSpec(
        "The bytes do not match their SHA-256: they changed on the way.", True, 422
    ),
    ErrorCode.CHUNK_TOO_LARGE: ErrorSpec("A chunk may hold 10 MiB at most.", False, 413),
    ErrorCode.UNSUPPORTED_MEDIA: ErrorSpec("The chunk is not a WebM document.", False, 415),
    ErrorCode.QUOTA_EXCEEDED: ErrorSpec("The month's storage is used up.", True, 429),
    ErrorCode.RATE_LIMITED: ErrorSpec("Too many of these: wait and send again.", True, 429),
    ErrorCode.BUSY: ErrorSpec("The server is busy: wait and send again.", True, 503),
    ErrorCode.STORAGE_FULL: ErrorSpec("The server's disk is full.", True, 507),
    ErrorCode.STORAGE_FAILED: ErrorSpec("The server could not store it safely.", True, 503),
    ErrorCode.INTERNAL: ErrorSpec("The server made a mistake; its log has the details.", True, 500),
}
