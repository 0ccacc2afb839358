"""Giving records their rows again: after a crash, a lost database, or a restored older one.

A record names its user, its session, its place in it and its SHA-256; that is enough to play a
session and to answer a client's questions about it. Users are known by their names: the same
number may have meant somebody else in a database that is lost.
"""

from collections import Counter
from enum import Enum, auto
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects.sqlite import insert

from scribe_server.protocol import SessionStatus
from scribe_server.store.blobs import FoundRecord
from scribe_server.store.schema import (
    CHUNKS_LAYOUT,
    DAMAGED,
    FRAGMENTS_LAYOUT,
    STORED,
    chunks,
    sessions,
    tombstones,
    users,
)
from scribe_server.store.status import refresh_status
from scribe_server.store.tally import add_to_segment, add_usage

UNKNOWN_SOURCE: Final = "unknown"


class Taken(Enum):
    """What became of a record."""

    INDEXED = auto()
    """It has a row now."""
    KNOWN = auto()
    """Its chunk had a row before, with the same SHA-256."""
    BURIED = auto()
    """Its session was deleted."""
    CONTRADICTS = auto()
    """Its chunk has a row with another SHA-256, which stays."""


class Reindexer:
    """Makes rows for the records of chunks, within the caller's transactions.

    Args:
        connection: call take() and finish() in its transactions.
        now: the server's time, for what has none of its own.
    """

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._users: dict[str, int] = {}
        self._sessions: dict[tuple[int, str], int] = {}
        self._touched: set[int] = set()
        self._made: set[int] = set()

    @property
    def made(self) -> int:
        """How many sessions had no row before."""
        return len(self._made)

    def owner_of(self, record: FoundRecord) -> int:
        """The id of the record's user, who gets a row when there is none of that name."""
        name = record.about.user
        if name not in self._users:
            self._users[name] = self._make_user(name, record.owner)
        return self._users[name]

    def take(self, record: FoundRecord) -> Taken:
        """Index the record of a chunk; one that is not whole is indexed as damaged."""
        owner = self.owner_of(record)
        if self._is_buried(owner, record.about.session):
            return Taken.BURIED
        session = self._session(owner, record)
        row = self._connection.execute(
            select(chunks).where(chunks.c.session == session, chunks.c.sequence == record.sequence)
        ).one_or_none()
        if row is None:
            self._insert(session, record)
            self._count(owner, record)
            return Taken.INDEXED
        if bytes(row.sha256) != record.sha256:
            return Taken.CONTRADICTS
        if row.state == DAMAGED and record.whole:
            self._mend(row, record)
            return Taken.INDEXED
        return Taken.KNOWN

    def finish(self) -> None:
        """Bring the status of every session that was touched up to date."""
        for session in self._touched & self._there():
            if session in self._made:
                # Nobody records it now; its recorder may go on with it, and says when it ends.
                newest = select(func.max(chunks.c.created_at)).where(chunks.c.session == session)
                self._connection.execute(
                    update(sessions)
                    .where(sessions.c.id == session)
                    .values(stopped_at=newest.scalar_subquery())
                )
            refresh_status(self._connection, session)
        self._touched.clear()

    def _there(self) -> set[int]:
        # A tombstone may have come behind the session's chunks.
        asked = select(sessions.c.id).where(sessions.c.id == bindparam("session"))
        return {
            session
            for session in self._touched
            if self._connection.execute(asked, {"session": session}).first() is not None
        }

    def _make_user(self, name: str, wanted: int) -> int:
        known = select(users.c.id).where(users.c.name == name)
        found = self._connection.execute(known).scalar_one_or_none()
        if found is not None:
            return int(found)
        taken = select(users.c.id).where(users.c.id == wanted)
        row: dict[str, Any] = {"name": name, "created_at": self._now}
        if self._connection.execute(taken).first() is None:
            row["id"] = wanted
        made = self._connection.execute(insert(users).values(row).returning(users.c.id))
        return int(made.scalar_one())

    def _is_buried(self, owner: int, uuid: str) -> bool:
        found = select(tombstones.c.uuid).where(
            tombstones.c.owner == owner, tombstones.c.uuid == uuid
        )
        return self._connection.execute(found).first() is not None

    def _session(self, owner: int, record: FoundRecord) -> int:
        key = (owner, record.about.session)
        if key not in self._sessions:
            found = self._connection.execute(
                select(sessions.c.id).where(sessions.c.owner == owner, sessions.c.uuid == key[1])
            ).scalar_one_or_none()
            self._sessions[key] = self._make_session(owner, record) if found is None else found
        return self._sessions[key]

    def _make_session(self, owner: int, record: FoundRecord) -> int:
        about = record.about
        made = self._connection.execute(
            insert(sessions)
            .values(
                owner=owner,
                uuid=about.session,
                title="",
                source=UNKNOWN_SOURCE,
                # Only Scribe's own recorders say which samples a chunk holds.
                layout=FRAGMENTS_LAYOUT if about.samples is None else CHUNKS_LAYOUT,
                status=SessionStatus.RECORDING.value,
                started_at=about.stored_at if about.taken_at is None else about.taken_at,
                created_at=about.stored_at,
            )
            .returning(sessions.c.id)
        ).scalar_one()
        self._made.add(made)
        return int(made)

    def _insert(self, session: int, record: FoundRecord) -> None:
        about = record.about
        self._connection.execute(
            insert(chunks).values(
                session=session,
                sequence=record.sequence,
                sha256=record.sha256,
                size=record.ref.length,
                state=STORED if record.whole else DAMAGED,
                segment=record.ref.segment,
                offset=record.ref.offset,
                created_at=about.stored_at,
                first_sample=about.first_sample,
                samples=about.samples,
                taken_at=about.taken_at,
                mime_type=about.mime_type,
            )
        )
        self._touched.add(session)

    def _count(self, owner: int, record: FoundRecord) -> None:
        add_to_segment(self._connection, record.ref.segment, 0, 1, self._now)
        add_usage(self._connection, [(owner, record.ref.length)], record.about.stored_at)

    def _mend(self, row: Row[Any], record: FoundRecord) -> None:
        self._connection.execute(
            update(chunks)
            .where(chunks.c.id == row.id)
            .values(state=STORED, segment=record.ref.segment, offset=record.ref.offset)
        )
        moved = Counter({record.ref.segment: 1})
        moved.subtract([row.segment])
        for segment, count in moved.items():
            add_to_segment(self._connection, segment, 0, count, self._now)
        self._touched.add(row.session)
