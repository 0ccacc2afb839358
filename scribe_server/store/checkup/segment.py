"""One segment beside its rows: what is damaged, what has no row, what should be gone.

Works beside a running server: rows are read first, only bytes that were indexed by then are looked
at, and whatever seems wrong is looked up again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from scribe_server.store.blobs import FoundRecord, RecordKind
from scribe_server.store.damage import is_sound, ref_of
from scribe_server.store.database import Database
from scribe_server.store.scan import SegmentScan
from scribe_server.store.schema import (
    DAMAGED,
    STORED,
    chunks,
    segments,
    sessions,
    tombstones,
    users,
)
from scribe_server.store.segments import SegmentStore
from scribe_server.store.tombstones import waiting_burials

Grave = tuple[str, str]
"""A user's name and a session's UUID."""

_ROWS = (
    select(chunks, sessions.c.uuid, users.c.name)
    .join(sessions, sessions.c.id == chunks.c.session)
    .join(users, users.c.id == sessions.c.owner)
)


@dataclass(slots=True)
class SegmentSight:
    """What one segment's file and rows say of each other.

    `damaged` rows count as stored and are not; `waiting` ones are known to be damaged; `healed`
    ones are too, although their bytes hold. `live` and `counted` are how many rows there are and
    how many the books say.
    """

    number: int
    size: int | None = None
    known_end: int | None = None
    records: int = 0
    rows: int = 0
    counted: int = 0
    hashed_bytes: int = 0
    unreadable: int = 0
    unreached_sound: int = 0
    damaged: list[Row[Any]] = field(default_factory=list)
    waiting: list[Row[Any]] = field(default_factory=list)
    healed: list[Row[Any]] = field(default_factory=list)
    unindexed: list[FoundRecord] = field(default_factory=list)
    unapplied: list[FoundRecord] = field(default_factory=list)
    readable: list[FoundRecord] = field(default_factory=list)
    graves: set[Grave] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether the segment could go: nothing in it is pointed to or may be wanted."""
        return not self.rows and not self.unreadable and not self.unindexed


class SegmentCheck:
    """Looks at segments of one store.

    Args:
        database: the rows.
        blobs: the bytes.
        quick: believe every SHA-256.
    """

    def __init__(self, database: Database, blobs: SegmentStore, *, quick: bool) -> None:
        self._database = database
        self._blobs = blobs
        self._quick = quick

    def look(self, number: int) -> SegmentSight:
        """Compare one segment.

        Raises:
            StorageError: the database refused, or the file may not be read.
        """
        sight = SegmentSight(number, self._blobs.size(number))
        with self._database.snapshot() as connection:
            known = connection.execute(
                select(segments.c.end, segments.c.live).where(segments.c.number == number)
            ).one_or_none()
            rows = connection.execute(_ROWS.where(chunks.c.segment == number)).all()
            buried = graves(connection)
        sight.rows = len(rows)
        if known is not None:
            sight.known_end, sight.counted = known.end, known.live
        self._compare(sight, rows, buried)
        with self._database.snapshot() as connection:
            self._look_again(connection, sight)
        return sight

    def _compare(self, sight: SegmentSight, rows: Sequence[Row[Any]], buried: set[Grave]) -> None:
        by_offset = {row.offset: row for row in rows}
        scan = SegmentScan(
            self._blobs, sight.number, end=sight.known_end or 0, hashed=not self._quick
        )
        for record in scan:
            sight.records += 1
            sight.hashed_bytes += 0 if self._quick else record.ref.length
            grave = (record.about.user, record.about.session)
            row = by_offset.get(record.ref.offset)
            if record.kind is RecordKind.TOMBSTONE:
                sight.graves.add(grave)
                if grave not in buried:
                    sight.unapplied.append(record)
            elif row is not None and _is_of(record, row):
                del by_offset[record.ref.offset]
                self._judge(sight, row, sound=record.whole)
            elif grave not in buried:
                sight.unindexed.append(record)
            elif self._is_readable(record):
                sight.readable.append(record)
        sight.unreadable = scan.unreadable
        for row in by_offset.values():
            sound = self._is_there(row, sight.size or 0)
            sight.unreached_sound += sound
            self._judge(sight, row, sound=sound)

    def _judge(self, sight: SegmentSight, row: Row[Any], *, sound: bool) -> None:
        if row.state == STORED:
            if not sound:
                sight.damaged.append(row)
        elif sound and not self._quick:
            sight.healed.append(row)
        else:
            sight.waiting.append(row)

    def _is_there(self, row: Row[Any], size: int) -> bool:
        if self._quick:
            return bool(row.offset + row.size <= size)
        return is_sound(self._blobs, row)

    def _is_readable(self, record: FoundRecord) -> bool:
        if self._quick or record.ref.length == 0:
            return False
        return record.whole or any(self._blobs.read(record.ref))

    def _look_again(self, connection: Connection, sight: SegmentSight) -> None:
        """Drop what was only being changed while it was looked at."""
        sight.damaged = [row for row in sight.damaged if _is_unchanged(connection, row)]
        sight.unindexed = [record for record in sight.unindexed if _is_wanted(connection, record)]
        if sight.readable:
            freed = {ref for _, refs in waiting_burials(connection) for ref in refs}
            sight.readable = [record for record in sight.readable if record.ref not in freed]


def graves(connection: Connection) -> set[Grave]:
    """All deleted sessions."""
    rows = connection.execute(
        select(users.c.name, tombstones.c.uuid).join(users, users.c.id == tombstones.c.owner)
    )
    return {(row.name, row.uuid) for row in rows}


def _is_of(record: FoundRecord, row: Row[Any]) -> bool:
    told = (record.about.user, record.about.session, record.sequence, record.ref, record.sha256)
    return told == (row.name, row.uuid, row.sequence, ref_of(row), bytes(row.sha256))


def _is_unchanged(connection: Connection, row: Row[Any]) -> bool:
    return _exists(
        connection,
        (
            chunks.c.id == row.id,
            chunks.c.segment == row.segment,
            chunks.c.offset == row.offset,
            chunks.c.state == STORED,
        ),
    )


def _is_wanted(connection: Connection, record: FoundRecord) -> bool:
    """Whether the record's chunk has no row, or one whose bytes are lost and these are not."""
    about = record.about
    row = connection.execute(
        _ROWS.where(
            users.c.name == about.user,
            sessions.c.uuid == about.session,
            chunks.c.sequence == record.sequence,
        )
    ).one_or_none()
    if row is None:
        return record.whole and (about.user, about.session) not in graves(connection)
    return bool(
        row.state == DAMAGED
        and record.whole
        and bytes(row.sha256) == record.sha256
        and ref_of(row) != record.ref
    )


def _exists(connection: Connection, conditions: Iterable[Any]) -> bool:
    return connection.execute(select(chunks.c.id).where(*conditions)).first() is not None
