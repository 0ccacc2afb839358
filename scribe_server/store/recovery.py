"""What every start checks: that the segments hold what the rows say, and no more.

Cheap when all is well: one size per segment. Rows whose bytes are missing become `damaged`.
Records behind the indexed end (a crash came between the bytes and the row, or the database is an
older copy) are indexed when whole and their session is known; a torn tail is cut.
"""

import logging
from dataclasses import dataclass

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from scribe_server.store.blobs import FoundRecord, RecordKind
from scribe_server.store.database import Database
from scribe_server.store.records import aligned
from scribe_server.store.schema import DAMAGED, STORED, chunks, segments, sessions, users
from scribe_server.store.segments import SegmentStore
from scribe_server.store.status import refresh_status
from scribe_server.store.tally import add_to_segment
from scribe_server.store.tombstones import bury

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Recovered:
    """What a start found: chunks indexed again, bytes cut off, chunks that are damaged now."""

    indexed: int = 0
    cut_bytes: int = 0
    damaged: int = 0


def known_ends(connection: Connection) -> dict[int, int]:
    """The indexed bytes of every segment."""
    rows = connection.execute(select(segments.c.number, segments.c.end))
    return {row.number: row.end for row in rows}


def recover(database: Database, blobs: SegmentStore, now: int) -> Recovered:
    """Bring the rows and the segments together.

    Raises:
        StorageError: the disk or the database failed.
    """
    recovered = Recovered()
    with database.transaction() as connection:
        known = known_ends(connection)
        for number, end in known.items():
            size = blobs.size(number) or 0
            if size < end:
                recovered.damaged += _mark_damaged(connection, number, size)
        for number in blobs.numbers():
            if (blobs.size(number) or 0) > known.get(number, 0):
                tail = _take_tail(connection, blobs, number, known.get(number, 0), now)
                recovered.indexed += tail.indexed
                recovered.cut_bytes += tail.cut_bytes
    if recovered != Recovered():
        log.warning(
            "after a crash or a loss: %d chunks indexed again, %d bytes cut, %d chunks damaged",
            recovered.indexed,
            recovered.cut_bytes,
            recovered.damaged,
        )
    return recovered


def _mark_damaged(connection: Connection, segment: int, size: int) -> int:
    lost = (
        chunks.c.segment == segment,
        chunks.c.offset + chunks.c.size > size,
        chunks.c.state == STORED,
    )
    hurt = set(connection.execute(select(chunks.c.session).where(*lost)).scalars())
    count = connection.execute(update(chunks).where(*lost).values(state=DAMAGED)).rowcount
    connection.execute(update(segments).where(segments.c.number == segment).values(end=size))
    for session in hurt:
        refresh_status(connection, session)
    return count


def _take_tail(
    connection: Connection, blobs: SegmentStore, segment: int, end: int, now: int
) -> Recovered:
    blobs.settle(segment)
    touched: set[int] = set()
    live = 0
    for record in blobs.scan_from(segment, end):
        if not record.whole:
            continue
        end = record.ref.offset + record.ref.length
        if record.kind is RecordKind.TOMBSTONE:
            about = record.about
            if _is_user(connection, record.owner):
                bury(connection, record.owner, about.session, about.stored_at, record.ref)
        elif (session := _index(connection, record)) is not None:
            touched.add(session)
            live += 1
    size, end = blobs.size(segment) or 0, aligned(end)
    if size != end:
        blobs.settle(segment, end)
    add_to_segment(connection, segment, end, live, now)
    for session in touched:
        refresh_status(connection, session)
    blobs.resume(segment, end)
    return Recovered(indexed=live, cut_bytes=max(0, size - end))


def _is_user(connection: Connection, owner: int) -> bool:
    found = connection.execute(select(users.c.id).where(users.c.id == owner))
    return found.first() is not None


def _index(connection: Connection, record: FoundRecord) -> int | None:
    """Give a chunk its row again; None when its session is unknown or the row is there."""
    about = record.about
    session = connection.execute(
        select(sessions.c.id).where(
            sessions.c.owner == record.owner, sessions.c.uuid == about.session
        )
    ).scalar_one_or_none()
    if session is None:
        return None
    return connection.execute(
        insert(chunks)
        .values(
            session=session,
            sequence=record.sequence,
            sha256=record.sha256,
            size=record.ref.length,
            state=STORED,
            segment=record.ref.segment,
            offset=record.ref.offset,
            created_at=about.stored_at,
            first_sample=about.first_sample,
            samples=about.samples,
            taken_at=about.taken_at,
            mime_type=about.mime_type,
        )
        .on_conflict_do_nothing()
        .returning(chunks.c.session)
    ).scalar_one_or_none()
