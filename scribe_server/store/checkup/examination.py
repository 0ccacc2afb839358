"""The whole check of one server folder; nothing is changed by it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.checkup import books
from scribe_server.store.checkup.archives import ArchiveCheck
from scribe_server.store.checkup.findings import Counted, Finding, Kind
from scribe_server.store.checkup.leftovers import leftovers
from scribe_server.store.checkup.segment import Grave, SegmentCheck, SegmentSight, graves
from scribe_server.store.checkup.words import findings_of
from scribe_server.store.database import Database, damages
from scribe_server.store.segments import SegmentStore

Progress = Callable[[int, int], None]
"""Called before each segment with how many are done and how many there are."""

_IN_FLIGHT: Final = frozenset(
    {Kind.TAIL, Kind.SEGMENT_UNKNOWN, Kind.DELETION_WAITING, Kind.ARCHIVE_UNKNOWN}
)
"""What a running server's own work looks like."""


@dataclass(slots=True)
class Examined:
    """What was found, in words, and what mending works with."""

    findings: list[Finding] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)
    sights: list[SegmentSight] = field(default_factory=list)
    undead: list[books.Undead] = field(default_factory=list)
    unrecorded: set[Grave] = field(default_factory=set)
    leftovers: list[Path] = field(default_factory=list)
    unknown_archives: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing of what was found is a problem."""
        return not any(finding.is_problem for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Folder:
    """What is examined: the parts of a server folder, and the key that its receipts need.

    `archives` is where they lie; None: they are left out.
    """

    data_dir: Path
    database_path: Path
    segments: Path
    holds: books.Holds | None
    archives: ArchivePlace | None = None


def examine(
    folder: Folder, now: int, *, quick: bool = False, beside: bool = False, progress: Progress
) -> Examined:
    """Check a folder.

    Args:
        folder: its parts.
        now: the server's time.
        quick: compare no SHA-256.
        beside: a server is running on the folder, so half-written files are its own.
        progress: told how far the check is.

    Raises:
        StorageError: the disk failed, or the database refused although it is sound.
    """
    examined = Examined()
    if broken := damages(folder.database_path):
        examined.findings += [
            Finding(Kind.DATABASE_DAMAGED, f"The database is damaged: {line}.") for line in broken
        ]
        return examined
    database = Database(folder.database_path)
    try:
        _examine_segments(examined, database, folder, quick=quick, progress=progress)
        _examine_books(examined, database, folder, now)
        if folder.archives is not None:
            _examine_archives(examined, database, folder.archives, quick=quick)
    finally:
        database.close()
    if beside:
        examined.findings = [found for found in examined.findings if found.kind not in _IN_FLIGHT]
    else:
        examined.leftovers = list(leftovers(folder.data_dir, folder.segments))
        examined.findings += [
            Finding(Kind.LEFTOVER, f"{path} was left by a crash.") for path in examined.leftovers
        ]
    return examined


def _examine_segments(
    examined: Examined, database: Database, folder: Folder, *, quick: bool, progress: Progress
) -> None:
    blobs = SegmentStore(folder.segments, {})
    check = SegmentCheck(database, blobs, quick=quick)
    with database.snapshot() as connection:
        buried = graves(connection)
        numbers = sorted({*blobs.numbers(), *books.known_segments(connection)})
    for done, number in enumerate(numbers):
        progress(done, len(numbers))
        sight = check.look(number)
        examined.sights.append(sight)
        examined.findings += findings_of(sight)
        examined.counted.segments += sight.size is not None
        examined.counted.records += sight.records
        examined.counted.bytes += sight.hashed_bytes
    _examine_emptiness(examined, numbers)
    recorded = {grave for sight in examined.sights for grave in sight.graves}
    examined.unrecorded = buried - recorded
    examined.findings += [
        Finding(
            Kind.TOMBSTONE_NOT_RECORDED,
            f"Session {uuid} of {user} is deleted, but no segment says so: a new database would "
            "not know.",
            session=uuid,
            user=user,
        )
        for user, uuid in sorted(examined.unrecorded)
    ]


def _examine_archives(
    examined: Examined, database: Database, place: ArchivePlace, *, quick: bool
) -> None:
    check = ArchiveCheck(database, place, quick=quick)
    examined.findings += check.findings()
    examined.unknown_archives = check.unknown
    examined.counted.archives += check.looked_at
    examined.counted.bytes += check.hashed_bytes


def _examine_emptiness(examined: Examined, numbers: list[int]) -> None:
    for sight in examined.sights:
        if sight.is_empty and sight.size and sight.number != max(numbers):
            message = f"Segment {sight.number} ({sight.size} bytes) holds nothing any more."
            examined.findings.append(Finding(Kind.SEGMENT_EMPTY, message, segment=sight.number))


def _examine_books(examined: Examined, database: Database, folder: Folder, now: int) -> None:
    with database.snapshot() as connection:
        books.count(connection, examined.counted)
        examined.undead = books.undead(connection)
        examined.findings += [
            Finding(
                Kind.TOMBSTONE_NOT_APPLIED,
                f"Session {dead.uuid} of {dead.user} was deleted, and is there all the same.",
                session=dead.uuid,
                user=dead.user,
            )
            for dead in examined.undead
        ]
        examined.findings += books.foreign_keys(connection)
        examined.findings += books.unsigned(connection, folder.holds)
        examined.findings += books.waiting_deletions(connection)
        examined.findings += books.overdue(connection, now)
