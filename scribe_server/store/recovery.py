"""What every start checks: that the segments hold what the rows say, and no more.

Cheap when all is well: one size per segment. Rows whose bytes are missing become `damaged`.
Records behind the indexed end (a crash came between the bytes and the row, or the database is an
older copy) are indexed when whole, with their session when it is unknown; a torn tail is cut.
"""

import logging
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from scribe_server.store.blobs import RecordKind
from scribe_server.store.database import Database
from scribe_server.store.records import aligned
from scribe_server.store.reindex import Reindexer, Taken
from scribe_server.store.schema import DAMAGED, STORED, chunks, segments
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
    reindexer = Reindexer(connection, now)
    indexed = 0
    for record in blobs.scan_from(segment, end):
        if not record.whole:
            continue
        end = record.ref.offset + record.ref.length
        if record.kind is RecordKind.TOMBSTONE:
            about = record.about
            owner = reindexer.owner_of(record)
            bury(connection, owner, about.session, about.stored_at, record.ref)
        elif reindexer.take(record) is Taken.INDEXED:
            indexed += 1
    size, end = blobs.size(segment) or 0, aligned(end)
    if size != end:
        blobs.settle(segment, end)
    add_to_segment(connection, segment, end, 0, now)
    reindexer.finish()
    blobs.resume(segment, end)
    return Recovered(indexed=indexed, cut_bytes=max(0, size - end))
