"""A new database from the segments, when the old one is lost or damaged.

Records tell users by name, sessions, chunks and what was deleted. Nobody knows any more: access
tokens, titles, manifests, receipts (the clients keep theirs), devices, markers.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select

from scribe_server.errors import StartupError
from scribe_server.store.blobs import BlobRef, FoundRecord, RecordKind
from scribe_server.store.database import Database, begin, damages
from scribe_server.store.files import Files
from scribe_server.store.reindex import Reindexer, Taken
from scribe_server.store.scan import SegmentScan
from scribe_server.store.schema import DAMAGED, STORED, chunks, jobs, sessions, tombstones, users
from scribe_server.store.segments import SegmentStore
from scribe_server.store.tally import add_to_segment
from scribe_server.store.tombstones import FREE_JOB, bury

REBUILDING: Final = ".rebuilding"
UNREADABLE: Final = ".seg.unreadable"
_PARTS: Final = ("", "-wal", "-shm")
"""An SQLite database is up to three files, which belong together by their names."""


@dataclass(slots=True)
class Rebuilt:
    """What a new database holds, and what it could not be told.

    `contradicting` records had a twin with another SHA-256, which was stored first and counts;
    `unreadable` are bytes behind a damaged header by segment; they are kept, and a segment of which
    nothing could be read is `set_aside`: renamed to end in UNREADABLE.
    """

    users: int = 0
    sessions: int = 0
    chunks: int = 0
    damaged: int = 0
    deleted: int = 0
    contradicting: int = 0
    unreadable: dict[int, int] = field(default_factory=dict)
    old_database: Path | None = None
    set_aside: list[Path] = field(default_factory=list)


def rebuild(path: Path, blobs: SegmentStore, now: int) -> Rebuilt:
    """Put a database made from the segments in the place of a lost or damaged one.

    The old one stays beside it under another name. Whoever calls this holds the folder's lock; a
    crash before the end leaves everything as it was, or no database at all.

    Raises:
        StartupError: the database is sound: nothing would be won, and all it alone knows lost.
        StorageError: the disk failed.
    """
    if not damages(path):
        raise StartupError(
            f"The database {path} is sound; a new one would know less.",
            "Use doctor --fix. To make a new one all the same, move the old one away first.",
        )
    fresh = path.with_name(path.name + REBUILDING)
    _remove(fresh)
    database = Database.open(fresh)
    try:
        rebuilt = _fill(database, blobs, now)
    finally:
        database.close()
    stamp = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%d-%H%M%S")
    old = path.with_name(f"{path.name}.before-rebuild-{stamp}")
    if _move(path, old):
        rebuilt.old_database = old
    _move(fresh, path)
    Files().sync_folder(path.parent)
    for segment in rebuilt.set_aside:
        segment.rename(segment.with_suffix(UNREADABLE))
    return rebuilt


def _fill(database: Database, blobs: SegmentStore, now: int) -> Rebuilt:
    rebuilt = Rebuilt()
    with database.writing_connection() as connection:
        reindexer = Reindexer(connection, now)
        # First all that was deleted: a tombstone comes behind the chunks that it buries.
        for number in blobs.numbers():
            with begin(connection):
                _bury(connection, SegmentScan(blobs, number, hashed=False), reindexer)
        for number in blobs.numbers():
            with begin(connection):
                _index(connection, blobs, number, reindexer=reindexer, rebuilt=rebuilt, now=now)
        with begin(connection):
            _count(connection, rebuilt)
    return rebuilt


def _bury(connection: Connection, scan: SegmentScan, reindexer: Reindexer) -> None:
    for record in scan:
        if record.kind is RecordKind.TOMBSTONE:
            owner, about = reindexer.owner_of(record), record.about
            bury(connection, owner, about.session, about.stored_at, record.ref)


def _index(
    connection: Connection,
    blobs: SegmentStore,
    number: int,
    *,
    reindexer: Reindexer,
    rebuilt: Rebuilt,
    now: int,
) -> None:
    scan = SegmentScan(blobs, number)
    indexed = 0
    to_free: list[BlobRef] = []
    for record in scan:
        if record.kind is not RecordKind.CHUNK:
            continue
        taken = reindexer.take(record)
        indexed += taken is Taken.INDEXED
        rebuilt.contradicting += taken is Taken.CONTRADICTS
        if taken is Taken.BURIED and _is_readable(blobs, record):
            to_free.append(record.ref)
    reindexer.finish()
    if to_free:
        job = {"kind": FREE_JOB, "payload": msgspec.json.encode(to_free)}
        connection.execute(insert(jobs).values(**job, created_at=now, attempts=0))
    if scan.unreadable:
        rebuilt.unreadable[number] = scan.unreadable
    if scan.unreadable and not indexed:
        # A start removes segments in which nothing lives; perhaps somebody can still read it.
        rebuilt.set_aside.append(blobs.path(number))
    else:
        add_to_segment(connection, number, scan.end, 0, now)
    if scan.unreadable:
        # Nothing is appended behind what cannot be scanned.
        add_to_segment(connection, number + 1, 0, 0, now)


def _is_readable(blobs: SegmentStore, record: FoundRecord) -> bool:
    return record.whole or any(blobs.read(record.ref))


def _count(connection: Connection, rebuilt: Rebuilt) -> None:
    def number_of(column: object, *conditions: object) -> int:
        return int(
            connection.execute(select(func.count(column)).where(*conditions)).scalar_one()  # type: ignore[arg-type] # SQLAlchemy's own operators
        )

    rebuilt.users = number_of(users.c.id)
    rebuilt.sessions = number_of(sessions.c.id)
    rebuilt.chunks = number_of(chunks.c.id, chunks.c.state == STORED)
    rebuilt.damaged = number_of(chunks.c.id, chunks.c.state == DAMAGED)
    rebuilt.deleted = number_of(tombstones.c.uuid)


def _move(path: Path, to: Path) -> bool:
    there = [part for part in _PARTS if path.with_name(path.name + part).exists()]
    for part in there:
        path.with_name(path.name + part).rename(to.with_name(to.name + part))
    return bool(there)


def _remove(path: Path) -> None:
    for part in _PARTS:
        path.with_name(path.name + part).unlink(missing_ok=True)
