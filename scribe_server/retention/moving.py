"""Moving one session to its archive, and an archive's audio to nowhere.

The order, whose every step may be the last one before a crash:

1. A job names the archive's key and is committed.
2. The archive is put in its place, and read back from there: every byte (checking.py).
3. One transaction: the session is as it was, and still due; the archive gets its row, the chunks
   point into it, jobs name the hot bytes and an older archive, the job of 1 ends.
4. The hot bytes are wiped, segments without a live record removed; the older archive is removed.

After a crash before 3 the next run removes what the job names, unless a row does by then; what is
left of 4 is done by the next start and the next run.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, update

from scribe_server.protocol import SessionStatus
from scribe_server.retention.checking import Expected, check
from scribe_server.retention.contents import Contents, gather, member_name
from scribe_server.retention.zipping import Member, ZipWriter
from scribe_server.store import Store
from scribe_server.store.archives.rows import (
    PUT_JOB,
    ArchiveJob,
    add_job,
    forget_archive,
)
from scribe_server.store.blobs import BlobRef
from scribe_server.store.damage import ref_of
from scribe_server.store.errors import BlobDamagedError, StorageError
from scribe_server.store.schema import archives, chunks, retention_problems
from scribe_server.store.status import refresh_status
from scribe_server.store.tombstones import end_job, release

log = logging.getLogger(__name__)

IsDue = Callable[[Connection], bool]
"""Whether the session is still to be moved, asked in the transaction that moves it."""

_POINT: Final = (
    update(chunks)
    .where(chunks.c.id == bindparam("chunk"))
    .values(segment=bindparam("archive"), offset=bindparam("at"))
)


class ChangedError(Exception):
    """The session is not what it was when its move began; it is left as it is."""


class ChunkDamagedError(BlobDamagedError):
    """A chunk that was to be archived is not what its row says."""

    def __init__(self, row: Row[Any]) -> None:
        super().__init__(f"chunk {row.sequence} is damaged")
        self.row = row


@dataclass(frozen=True, slots=True)
class _Written:
    size: int
    sha256: bytes
    texts: Sequence[Member]
    chunks: Sequence[Member]


@dataclass(frozen=True, slots=True)
class _Left:
    """What the transaction leaves to be done: hot bytes and their job, an older archive."""

    refs: list[BlobRef]
    free: int | None
    older: ArchiveJob | None


class Mover:
    """Moves the sessions of one store; one session at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._place = store.shelf.place
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let what is being written or read back end soon, with ChangedError."""
        self._stopping.set()

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise ChangedError("the server is being stopped")

    async def archive(self, session: int, is_due: IsDue) -> int:
        """Move a complete session from the segments to its archive; gives the archive's bytes.

        Raises:
            ChangedError: the session was changed meanwhile, or is not due any more.
            ChunkDamagedError: a chunk's bytes are not what they must be.
            StorageError: the disk, the database or the archives' place failed.
        """
        return await self._move(session, is_due, audio=True)

    async def cool(self, session: int, is_due: IsDue) -> int:
        """Replace a session's archive by one without audio; gives its bytes.

        Raises:
            ChangedError, StorageError: as for archive().
        """
        return await self._move(session, is_due, audio=False)

    async def _move(self, session: int, is_due: IsDue, *, audio: bool) -> int:
        database, store = self._store.database, self._store
        contents = await database.read(lambda found: gather(found, session, audio=audio))
        if contents is None:
            raise ChangedError("it was deleted")
        now = store.clock()
        job = await store.write(lambda found: add_job(found, PUT_JOB, contents.key, now))
        written = await database.in_background(lambda: self.put(contents))
        await database.in_background(lambda: self.read_back(contents, written))

        def commit(connection: Connection) -> _Left:
            return self._commit(connection, contents, written, job, is_due)

        left = await store.write(commit)
        try:
            await self._clear(left)
        except StorageError as error:
            # The session has moved; the jobs of what is left wait for the next start and run.
            log.error("session %d has moved, but: %s", session, error)
        return written.size

    async def _clear(self, left: _Left) -> None:
        if left.free is not None:
            await self._store.deletion.free(left.free, left.refs)
        if left.older is not None:
            await self._drop(left.older)

    def put(self, contents: Contents) -> _Written:
        """Write the archive to its place, chunk by chunk."""
        with self._place.put(contents.key) as sink:
            archive = ZipWriter(sink)
            texts = [archive.add_text(name, text) for name, text in contents.texts.items()]
            stored = [
                archive.add_stored(member_name(row.sequence), self._read(row))
                for row in contents.rows
            ]
            archive.finish()
        return _Written(archive.size, archive.sha256, texts, stored)

    def _read(self, row: Row[Any]) -> bytes:
        self._go_on()
        try:
            data = self._store.shelf.read(ref_of(row))
        except BlobDamagedError as error:
            raise ChunkDamagedError(row) from error
        if hashlib.sha256(data).digest() != bytes(row.sha256):
            raise ChunkDamagedError(row)
        return data

    def read_back(self, contents: Contents, written: _Written) -> None:
        """Compare what is in the place with the rows, byte for byte."""
        sums = [bytes(row.sha256) for row in contents.rows]
        spans = list(zip(written.chunks, sums, strict=True))
        check(
            self._place,
            contents.key,
            Expected(written.size, written.sha256, contents.texts, spans),
            self._go_on,
        )

    def _commit(
        self,
        connection: Connection,
        contents: Contents,
        written: _Written,
        job: int,
        is_due: IsDue,
    ) -> _Left:
        found = gather(connection, contents.session, audio=contents.audio)
        if found is None or not contents.is_same(found) or not is_due(connection):
            raise ChangedError("it was changed while it was being archived")
        now = self._store.clock()
        older = forget_archive(connection, contents.session, now)
        archive = _add_row(connection, contents, written, now)
        # Without audio there is nothing to point at; the rows still tell what was delivered.
        offsets = [member.offset for member in written.chunks] or [0] * len(contents.every_row)
        _point(connection, contents.every_row, archive, offsets)
        hot = [ref_of(row) for row in contents.every_row if row.segment > 0]
        free = release(connection, hot, now) if hot else None
        end_job(connection, job)
        connection.execute(
            delete(retention_problems).where(retention_problems.c.session == contents.session)
        )
        status = refresh_status(connection, contents.session)
        wanted = SessionStatus.ARCHIVED if contents.audio else SessionStatus.COLD
        if status is not wanted:
            raise ChangedError(f"it would be {status.value} then")
        return _Left(hot, free, older)

    async def _drop(self, archive: ArchiveJob) -> None:
        await self._store.database.in_background(lambda: self._place.delete(archive.key))
        await self._store.write(lambda connection: end_job(connection, archive.job))


def _add_row(connection: Connection, contents: Contents, written: _Written, now: int) -> int:
    made = connection.execute(
        insert(archives)
        .values(
            session=contents.session,
            key=contents.key,
            size=written.size,
            sha256=written.sha256,
            audio=contents.audio,
            created_at=now,
        )
        .returning(archives.c.id)
    )
    return int(made.scalar_one())


def _point(
    connection: Connection, rows: Sequence[Row[Any]], archive: int, offsets: Sequence[int]
) -> None:
    values = [
        {"chunk": row.id, "archive": -archive, "at": offset}
        for row, offset in zip(rows, offsets, strict=True)
    ]
    if values:
        connection.execute(_POINT, values)
