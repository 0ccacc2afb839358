"""Names, limits and states of the wire."""

from enum import StrEnum
from typing import Final

PROTOCOL_VERSION: Final = 1
SAMPLE_RATE: Final = 48_000
CHUNK_MS: Final = 30_000
MAX_CHUNK_BYTES: Final = 10 * 1024 * 1024
MAX_MESSAGE_BYTES: Final = MAX_CHUNK_BYTES + 64 * 1024
MAX_SEQUENCE: Final = 999_999
MAX_SEQUENCE_JUMP: Final = 10_000
MAX_SYNC_CHECK_SESSIONS: Final = 200
MAX_MISSING_LISTED: Final = 10_000
MAX_DUPLICATES_PER_CONNECTION: Final = 3
CONNECT_TIMEOUT_S: Final = 10
RECEIPT_PREFIX: Final = b"scribe-receipt-v1\n"
WELL_KNOWN_KEYS: Final = "/.well-known/scribe-keys.json"


class Event(StrEnum):
    """Names of the Socket.IO events."""

    # client to server
    START_SESSION = "start-session"
    AUDIO_CHUNK = "audio-chunk"
    PAUSE_SESSION = "pause-session"
    RESUME_SESSION = "resume-session"
    STOP_SESSION = "stop-session"
    SYNC_CHECK = "sync-check"
    # server to client
    WELCOME = "welcome"
    SESSION_STARTED = "session-started"
    CHUNK_ACK = "chunk-ack"
    CHUNK_ERROR = "chunk-error"
    BACKPRESSURE = "backpressure"
    SESSION_ERROR = "session-error"
    SESSION_PAUSED = "session-paused"
    SESSION_RESUMED = "session-resumed"
    SESSION_STOPPED = "session-stopped"
    SESSION_INCOMPLETE = "session-incomplete"
    SESSION_RECEIPT = "session-receipt"
    SYNC_STATE = "sync-state"
    CHANGED = "changed"


class SessionStatus(StrEnum):
    """A session's state on the server."""

    UNKNOWN = "unknown"
    RECORDING = "recording"
    INCOMPLETE = "incomplete"
    COMPLETE = "complete"
    ARCHIVED = "archived"
    COLD = "cold"
    DELETED = "deleted"


RESEND_STATUSES: Final = frozenset(
    {
        SessionStatus.UNKNOWN,
        SessionStatus.RECORDING,
        SessionStatus.INCOMPLETE,
        SessionStatus.COMPLETE,
    }
)
"""The states for which a client sends what the server lacks."""


class BackpressureReason(StrEnum):
    """Why the server takes no chunks just now."""

    QUEUE = "queue"
    MEMORY = "memory"
    STORE = "store"
    DISK = "disk"
