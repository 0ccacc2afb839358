"""Deleting a session: mark, commit, then free the bytes, so that a crash at any point is mended.

1. A tombstone record is made durable in the segments, and one transaction puts a tombstone row
   in the place of the session's rows, with a job that names its bytes. From here it is deleted.
2. The bytes are wiped, off the writing thread.
3. The job ends, and segments without a live record are removed. A start does what is left of 2
   and 3.
4. The session's archive is removed, by a job of its own: where archives lie may be out of reach.
   Every run of retention does what is left of it.
"""

import logging
from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, delete, select, update

from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.rows import ArchiveJob
from scribe_server.store.blobs import BlobRef
from scribe_server.store.database import Database
from scribe_server.store.errors import StorageError, StorageFullError
from scribe_server.store.hot import HotSessions
from scribe_server.store.records import aligned
from scribe_server.store.reserve import Reserve
from scribe_server.store.schema import chunks, segments, sessions, tombstones, users
from scribe_server.store.segments import SegmentStore
from scribe_server.store.tally import add_to_segment
from scribe_server.store.tombstones import (
    Burial,
    bury,
    end_job,
    is_deleted,
    tombstone_record,
    waiting_burials,
)
from scribe_server.store.writer import Writer

log = logging.getLogger(__name__)

Condition = Callable[[Connection], bool]


class HeldError(Exception):
    """The session is under a legal hold: it may not be deleted."""


class Deletion:
    """Deletes sessions of one store."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        blobs: SegmentStore,
        hot: HotSessions,
        clock: Callable[[], int],
        *,
        reserve: Reserve,
        place: ArchivePlace,
    ) -> None:
        self._place = place
        self._database = database
        self._writer = writer
        self._blobs = blobs
        self._hot = hot
        self._clock = clock
        self._reserve = reserve

    async def delete(
        self, owner: int, user: str, uuid: str, *, only_if: Condition | None = None
    ) -> bool:
        """Delete an own session for good; False when there never was one.

        On a full disk the room for it is the reserve's.

        Args:
            owner: the user's id.
            user: his name.
            uuid: the session.
            only_if: asked in the transaction that deletes it; False is returned when it says no.

        Raises:
            HeldError: it is under a legal hold.
            StorageError: it could not be done; doing it again is safe.
        """
        try:
            return await self._delete(owner, user, uuid, only_if)
        except StorageFullError:
            if not await self._database.in_background(self._reserve.give_up):
                raise
            return await self._delete(owner, user, uuid, only_if)
        finally:
            await self._database.in_background(self._reserve.set_aside)

    async def _delete(self, owner: int, user: str, uuid: str, only_if: Condition | None) -> bool:
        def work(connection: Connection) -> Burial | bool:
            if only_if is not None and not only_if(connection):
                return False
            return self._bury(connection, owner, user, uuid)

        burial = await self._writer.call(work, lambda burial: self._forget(burial, owner, uuid))
        if isinstance(burial, bool):
            return burial
        await self.free(burial.job, burial.refs)
        if burial.archive is not None:
            await self._drop(burial.archive)
        return True

    async def free(self, job: int, refs: Sequence[BlobRef]) -> None:
        """Do what a job of `release` is for: wipe the bytes, remove segments that are empty now.

        Raises:
            StorageError: it could not be done; the next start does it.
        """
        await self._database.in_background(lambda: self._blobs.delete(refs))
        await self._writer.call(
            lambda connection: finish(connection, self._blobs, job, self._clock()), self._remove
        )

    async def _drop(self, archive: ArchiveJob) -> None:
        try:
            await self._database.in_background(lambda: self._place.delete(archive.key))
        except StorageError as error:
            # The session is deleted; retention comes back to this with its next run.
            log.warning("%s; it will be removed later", error)
            return
        await self._writer.call(lambda connection: end_job(connection, archive.job))

    def _bury(self, connection: Connection, owner: int, user: str, uuid: str) -> Burial | bool:
        there = connection.execute(
            select(sessions.c.held_at).where(sessions.c.owner == owner, sessions.c.uuid == uuid)
        ).first()
        if there is None:
            return is_deleted(connection, owner, uuid)
        if there.held_at is not None:
            raise HeldError
        now = self._clock()
        (place,) = self._blobs.append([tombstone_record(owner, user, uuid, now)])
        return bury(connection, owner, uuid, now, place) or True

    def _forget(self, burial: Burial | bool, owner: int, uuid: str) -> None:
        if isinstance(burial, Burial):
            self._hot.forget(owner, uuid, burial.session)

    def _remove(self, empty: list[int]) -> None:
        for segment in empty:
            self._blobs.remove(segment)


def finish(connection: Connection, blobs: SegmentStore, job: int, now: int) -> list[int]:
    """End a job and drop the rows of segments without a live record; gives their numbers.

    Tombstones of such a segment move to the active one first: they are kept for ever.
    """
    end_job(connection, job)
    return drop_empty_segments(connection, blobs, now)


def drop_empty_segments(
    connection: Connection, blobs: SegmentStore, now: int, keep: Collection[int] = ()
) -> list[int]:
    """Drop the rows of segments that hold nothing live, to be removed after the commit."""
    rows = connection.execute(
        select(segments.c.number).where(segments.c.live <= 0, segments.c.number != blobs.active)
    )
    # The count is believed only when it says no: a chunk that is lost by a wrong one is lost.
    empty = [
        row.number
        for row in rows
        if row.number not in keep and not _is_pointed_to(connection, row.number)
    ]
    if empty:
        _move_tombstones(connection, blobs, empty, now)
        connection.execute(delete(segments).where(segments.c.number.in_(empty)))
    return empty


def _is_pointed_to(connection: Connection, segment: int) -> bool:
    found = select(chunks.c.id).where(chunks.c.segment == segment).limit(1)
    return connection.execute(found).first() is not None


def _move_tombstones(
    connection: Connection, blobs: SegmentStore, empty: list[int], now: int
) -> None:
    rows = connection.execute(
        select(tombstones, users.c.name)
        .join(users, users.c.id == tombstones.c.owner)
        .where(tombstones.c.segment.in_(empty))
    ).all()
    if not rows:
        return
    places = blobs.append(
        [tombstone_record(row.owner, row.name, row.uuid, row.deleted_at) for row in rows]
    )
    last = places[-1]
    add_to_segment(connection, last.segment, aligned(last.offset), 0, now)
    for row, place in zip(rows, places, strict=True):
        connection.execute(
            update(tombstones)
            .where(tombstones.c.owner == row.owner, tombstones.c.uuid == row.uuid)
            .values(segment=place.segment)
        )


def finish_waiting(database: Database, blobs: SegmentStore, now: int) -> None:
    """At the start: free what a crash kept from being freed.

    Raises:
        StorageError: the disk or the database failed.
    """
    with database.snapshot() as connection:
        waiting = waiting_burials(connection)
    for _, refs in waiting:
        blobs.delete(refs)
    with database.transaction() as connection:
        for job, _ in waiting:
            end_job(connection, job)
        empty = drop_empty_segments(connection, blobs, now)
    for segment in empty:
        blobs.remove(segment)
