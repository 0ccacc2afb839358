"""What a check can find, in words for the person who runs the server."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What is the matter; the values are documented in docs/OPERATIONS.md."""

    DATABASE_DAMAGED = "database-damaged"
    FOREIGN_KEY = "foreign-key"
    CHUNK_DAMAGED = "chunk-damaged"
    CHUNK_MISSING = "chunk-missing"
    CHUNK_SOUND_AGAIN = "chunk-sound-again"
    RECORD_WITHOUT_ROW = "record-without-row"
    RECORD_UNREADABLE = "record-unreadable"
    SEGMENT_UNKNOWN = "segment-unknown"
    SEGMENT_MISSING = "segment-missing"
    SEGMENT_COUNT = "segment-count"
    SEGMENT_EMPTY = "segment-empty"
    TOMBSTONE_NOT_APPLIED = "tombstone-not-applied"
    TOMBSTONE_NOT_RECORDED = "tombstone-not-recorded"
    DELETED_READABLE = "deleted-readable"
    RECEIPT_INVALID = "receipt-invalid"
    RECEIPT_KEY = "receipt-key"
    SESSION_INCOMPLETE = "session-incomplete"
    DELETION_WAITING = "deletion-waiting"
    ARCHIVE_MISSING = "archive-missing"
    ARCHIVE_DAMAGED = "archive-damaged"
    ARCHIVE_UNREACHABLE = "archive-unreachable"
    ARCHIVE_UNKNOWN = "archive-unknown"
    TAIL = "tail"
    LEFTOVER = "leftover"


NOTICES: Final = frozenset(
    {
        Kind.SESSION_INCOMPLETE,
        Kind.DELETION_WAITING,
        Kind.SEGMENT_EMPTY,
        Kind.ARCHIVE_UNKNOWN,
        Kind.TAIL,
        Kind.LEFTOVER,
    }
)
"""What is worth knowing and no fault of the store: the exit code stays 0."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; `message` is a sentence, the rest names what it is about."""

    kind: Kind
    message: str
    session: str | None = None
    user: str | None = None
    segment: int | None = None
    sequences: tuple[tuple[int, int], ...] = ()

    @property
    def is_problem(self) -> bool:
        """Whether the store is not sound because of it."""
        return self.kind not in NOTICES


@dataclass(slots=True)
class Counted:
    """How much was looked at; `bytes` are those whose SHA-256 was compared."""

    segments: int = 0
    records: int = 0
    chunks: int = 0
    bytes: int = 0
    sessions: int = 0
    tombstones: int = 0
    receipts: int = 0
    archives: int = 0


def ranges_in_words(ranges: tuple[tuple[int, int], ...]) -> str:
    """Inclusive pairs as `0-3, 7`."""
    return ", ".join(str(one) if one == last else f"{one}-{last}" for one, last in ranges)
