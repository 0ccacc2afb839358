"""What a check of the recordings can find, in words for the person who owns them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from scribe_server.protocol import to_ranges


class Kind(StrEnum):
    """What is the matter; the values are documented in docs/DOCTOR.md."""

    DATABASE_DAMAGED = "database-damaged"
    DATABASE_CLOSED = "database-closed"
    FOREIGN_KEY = "foreign-key"
    COUNTERS = "counters"
    TIMELINE = "timeline"
    PART_DAMAGED = "part-damaged"
    PART_MISSING = "part-missing"
    PART_LOST = "part-lost"
    PART_ELSEWHERE = "part-elsewhere"
    DELETED_UNSENT = "deleted-unsent"
    AUDIO_LEFT = "audio-left"
    DELETION_WAITING = "deletion-waiting"
    RECEIPT_INVALID = "receipt-invalid"
    JOURNAL_ORPHANED = "journal-orphaned"
    JOURNAL_DAMAGED = "journal-damaged"
    SESSION_OPEN = "session-open"
    SALVAGE_WAITING = "salvage-waiting"
    QUARANTINED = "quarantined"


NOTICES: Final = frozenset(
    {Kind.PART_LOST, Kind.PART_ELSEWHERE, Kind.DELETION_WAITING, Kind.QUARANTINED}
)
"""What is worth knowing and known already, or no fault: the exit code stays 0."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; `sequences` are inclusive pairs."""

    kind: Kind
    message: str
    session: str | None = None
    sequences: tuple[tuple[int, int], ...] = ()

    @property
    def is_problem(self) -> bool:
        """Whether the recordings are not sound because of it."""
        return self.kind not in NOTICES


@dataclass(slots=True)
class Counted:
    """How much was looked at; `bytes` are those whose SHA-256 was compared."""

    sessions: int = 0
    parts: int = 0
    unsent: int = 0
    bytes: int = 0
    receipts: int = 0
    journals: int = 0


def of_parts(kind: Kind, session_id: str, sequences: Iterable[int], words: str) -> list[Finding]:
    """One finding for all parts of a session that have the same trouble; none for no part."""
    ranges = tuple(to_ranges(sorted(set(sequences))))
    if not ranges:
        return []
    listed = ", ".join(str(one) if one == last else f"{one}-{last}" for one, last in ranges)
    return [Finding(kind, f"Parts {listed} of {session_id} {words}", session_id, ranges)]
