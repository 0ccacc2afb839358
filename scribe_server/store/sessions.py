"""Reading sessions for REST, renaming and deleting them; None for what is not the owner's."""

import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from sqlalchemy import Connection, Row, Select, func, select, update

from scribe_server.protocol import (
    MAX_MISSING_LISTED,
    MissingChunks,
    SessionList,
    SessionStatus,
    SessionSummary,
    StoredChunk,
    StoredChunks,
    missing_ranges,
)
from scribe_server.store.blobs import BlobReader, BlobRef
from scribe_server.store.database import Database
from scribe_server.store.deletion import Deletion
from scribe_server.store.errors import BlobDamagedError
from scribe_server.store.queries import (
    Ranges,
    chunk_rows,
    find_row,
    highest_sequence,
    manifest_of,
    missing_of_manifest,
    receipt_of,
    stored_ranges,
)
from scribe_server.store.schema import STORED, chunks, sessions

_counted = select(func.count()).where(chunks.c.session == sessions.c.id, chunks.c.state == STORED)
_sized = select(func.coalesce(func.sum(chunks.c.size), 0)).where(
    chunks.c.session == sessions.c.id, chunks.c.state == STORED
)
_SUMMARY = select(
    sessions, _counted.scalar_subquery().label("chunks"), _sized.scalar_subquery().label("bytes")
)


class User(Protocol):
    """Whoever asks: auth.Owner is one."""

    @property
    def user_id(self) -> int:
        """The user's row."""
        ...

    @property
    def name(self) -> str:
        """The user's name."""
        ...


@dataclass(frozen=True, slots=True)
class MediaPart:
    """One stored chunk of a session; the samples are None when the client did not tell.

    `chunk` is the id of its row, by which it is found when it was moved meanwhile.
    """

    chunk: int
    sequence: int
    ref: BlobRef
    sha256: str
    first_sample: int | None
    samples: int | None


@dataclass(frozen=True, slots=True)
class SessionMedia:
    """What stitching needs: the layout (`chunks` or `fragments`) and the parts in order.

    A `cold` session's audio was removed for good.
    """

    session_id: str
    title: str
    layout: str
    mime_type: str
    parts: tuple[MediaPart, ...]
    cold: bool = False

    @property
    def refs(self) -> list[BlobRef]:
        """Where the parts' bytes are, in order."""
        return [part.ref for part in self.parts]


class SessionBooks:
    """All methods work off the event loop and may raise StorageError."""

    def __init__(self, database: Database, blobs: BlobReader, deletion: Deletion) -> None:
        self._database = database
        self._blobs = blobs
        self._deletion = deletion

    async def list_sessions(
        self, owner: User, *, limit: int = 50, cursor: str | None = None
    ) -> SessionList:
        """Up to `limit` sessions, newest first; a cursor not given by this server ends the list."""

        def work(connection: Connection) -> SessionList:
            asked = _SUMMARY.where(sessions.c.owner == owner.user_id)
            if cursor is not None:
                asked = asked.where(sessions.c.id < _from_cursor(cursor))
            rows = connection.execute(asked.order_by(sessions.c.id.desc()).limit(limit + 1)).all()
            shown = rows[:limit]
            following = str(shown[-1].id) if len(rows) > limit and shown else None
            return SessionList([_summary(connection, row) for row in shown], following)

        return await self._database.read(work)

    async def summary(self, owner: User, session_id: str) -> SessionSummary | None:
        """One session as lists show it."""

        def work(connection: Connection) -> SessionSummary | None:
            row = connection.execute(_own(_SUMMARY, owner, session_id)).one_or_none()
            return None if row is None else _summary(connection, row)

        return await self._database.read(work)

    async def rename(self, owner: User, session_id: str, title: str) -> SessionSummary | None:
        """Give a session another title."""

        def work(connection: Connection) -> None:
            connection.execute(
                update(sessions)
                .where(sessions.c.owner == owner.user_id, sessions.c.uuid == session_id)
                .values(title=title)
            )

        await self._database.write(work)
        return await self.summary(owner, session_id)

    async def delete(self, owner: User, session_id: str) -> bool:
        """Delete a session for good; True again when it is deleted already, False if unknown.

        Raises:
            HeldError: it is under a legal hold.
        """
        return await self._deletion.delete(owner.user_id, owner.name, session_id)

    async def chunks(self, owner: User, session_id: str) -> StoredChunks | None:
        """Every chunk with its SHA-256, ascending; damaged ones among them."""

        def work(connection: Connection) -> StoredChunks | None:
            row = find_row(connection, owner.user_id, session_id)
            if row is None:
                return None
            return StoredChunks(
                [
                    StoredChunk(chunk.sequence, chunk.sha256.hex(), chunk.size, chunk.state)
                    for chunk in chunk_rows(connection, row.id)
                ]
            )

        return await self._database.read(work)

    async def missing(self, owner: User, session_id: str) -> MissingChunks | None:
        """The sequences that the server lacks, as flat numbers (at most MAX_MISSING_LISTED)."""

        def work(connection: Connection) -> MissingChunks | None:
            row = find_row(connection, owner.user_id, session_id)
            return None if row is None else _missing(connection, row)

        return await self._database.read(work)

    async def part(self, owner: User, session_id: str, sequence: int) -> MediaPart | None:
        """One stored chunk that can be read; None of a session that has gone cold."""

        def work(connection: Connection) -> MediaPart | None:
            asked = select(chunks).join(sessions, sessions.c.id == chunks.c.session)
            row = connection.execute(
                _own(asked, owner, session_id).where(
                    chunks.c.sequence == sequence,
                    chunks.c.state == STORED,
                    sessions.c.status != SessionStatus.COLD.value,
                )
            ).one_or_none()
            return None if row is None else _part(row)

        return await self._database.read(work)

    async def chunk_ref(self, owner: User, session_id: str, sequence: int) -> BlobRef | None:
        """Where a stored chunk's bytes are."""
        found = await self.part(owner, session_id, sequence)
        return None if found is None else found.ref

    async def media(self, owner: User, session_id: str) -> SessionMedia | None:
        """All stored parts in order; what is damaged or missing is left out."""

        def work(connection: Connection) -> SessionMedia | None:
            row = find_row(connection, owner.user_id, session_id)
            if row is None:
                return None
            cold = row.status == SessionStatus.COLD
            stored = [] if cold else chunk_rows(connection, row.id)
            rows = [part for part in stored if part.state == STORED]
            return SessionMedia(
                session_id=session_id,
                title=row.title,
                layout=row.layout,
                mime_type=rows[0].mime_type if rows else "audio/webm",
                parts=tuple(_part(part) for part in rows),
                cold=cold,
            )

        return await self._database.read(work)

    async def read_blob(self, ref: BlobRef, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a chunk; see BlobReader.read for what is raised."""
        return await self._database.off_loop(lambda: self._blobs.read(ref, start, length))

    async def read_part(self, part: MediaPart) -> bytes:
        """A chunk's bytes, also when retention moved them since `part` was looked up.

        Raises:
            BlobDamagedError: they are missing, or an archive holds others.
            StorageError: the disk failed, or the place of the archives is out of reach.
        """
        data = b""
        try:
            data = await self.read_blob(part.ref)
        except BlobDamagedError:
            if (moved := await self._moved(part)) is None:
                raise
        else:
            if hashlib.sha256(data).hexdigest() == part.sha256:
                return data
            moved = await self._moved(part)
        if moved is not None:
            return await self.read_blob(moved)
        if part.ref.segment < 0:
            raise BlobDamagedError(f"chunk {part.sequence} is damaged in its archive")
        return data

    async def _moved(self, part: MediaPart) -> BlobRef | None:
        """Where a chunk's bytes are by now; None when they are where they were."""

        def work(connection: Connection) -> BlobRef | None:
            row = connection.execute(select(chunks).where(chunks.c.id == part.chunk)).one_or_none()
            return None if row is None else _part(row).ref

        found = await self._database.read(work)
        return None if found == part.ref else found


def _own(asked: Select[Any], owner: User, session_id: str) -> Select[Any]:
    return asked.where(sessions.c.owner == owner.user_id, sessions.c.uuid == session_id)


def _from_cursor(cursor: str) -> int:
    return int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else 0


def _part(row: Row[Any]) -> MediaPart:
    ref = BlobRef(row.segment, row.offset, row.size)
    return MediaPart(row.id, row.sequence, ref, row.sha256.hex(), row.first_sample, row.samples)


def _summary(connection: Connection, row: Row[Any]) -> SessionSummary:
    return SessionSummary(
        session_id=row.uuid,
        title=row.title,
        source=row.source,
        status=SessionStatus(row.status),
        started_at=row.started_at,
        created_at=row.created_at,
        stopped_at=row.stopped_at,
        chunks=row.chunks,
        bytes=row.bytes,
        total_samples=row.total_samples,
        layout=row.layout,
        receipt=receipt_of(connection, row.id),
    )


def _missing(connection: Connection, row: Row[Any]) -> MissingChunks:
    stored = stored_ranges(connection, row.id)
    max_seq = highest_sequence(connection, row.id)
    manifest = manifest_of(connection, row.id)
    if manifest is None:
        lacking = missing_ranges(stored, max_seq + 1)
    else:
        lacking = missing_of_manifest(manifest, stored)
    count = _count(lacking)
    return MissingChunks(
        missing=list(islice(_flat(lacking), MAX_MISSING_LISTED)),
        max_seq=max_seq,
        total_chunks=_count(stored),
        expected_chunks=row.expected_chunks,
        complete=None if row.expected_chunks is None else count == 0,
        truncated=count > MAX_MISSING_LISTED,
    )


def _count(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _flat(ranges: Ranges) -> Any:
    return (number for first, last in ranges for number in range(first, last + 1))
