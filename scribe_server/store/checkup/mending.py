"""What can be mended without risk. Nothing that anybody may still want is changed or removed.

Whoever calls this holds the folder's lock. Each step is a transaction of its own, and does again
no harm.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from scribe_server.store.blobs import BlobRef
from scribe_server.store.checkup.examination import Examined, Folder
from scribe_server.store.damage import mark_damaged
from scribe_server.store.database import Database
from scribe_server.store.deletion import drop_empty_segments, finish_waiting
from scribe_server.store.direct import files_for
from scribe_server.store.errors import StorageFailedError
from scribe_server.store.records import aligned
from scribe_server.store.recovery import Recovered, known_ends, recover
from scribe_server.store.reindex import Reindexer, Taken
from scribe_server.store.schema import STORED, chunks, segments, tombstones, users
from scribe_server.store.segments import SegmentStore
from scribe_server.store.status import refresh_status
from scribe_server.store.tally import add_to_segment
from scribe_server.store.tombstones import bury, tombstone_record


class Mending:
    """Mends one folder; use `start` before the folder is examined and `apply` after it."""

    def __init__(self, folder: Folder, now: int) -> None:
        self._now = now
        self._database = Database.open(folder.database_path)
        with self._database.snapshot() as connection:
            known = known_ends(connection)
        try:
            files = files_for(folder.segments)
        except OSError as error:
            raise StorageFailedError(str(error)) from error
        self._blobs = SegmentStore(folder.segments, known, files=files)

    @property
    def database(self) -> Database:
        """The folder's database."""
        return self._database

    def close(self) -> None:
        """Close database and segments."""
        self._blobs.close()
        self._database.close()

    def start(self) -> Iterator[str]:
        """Do what every start of the server does; says what it did."""
        found = recover(self._database, self._blobs, self._now)
        finish_waiting(self._database, self._blobs, self._now)
        if found != Recovered():
            yield (
                f"Indexed {found.indexed} chunks behind the known end of segments, cut "
                f"{found.cut_bytes} bytes of torn records, marked {found.damaged} chunks as damaged"
            )

    def apply(self, examined: Examined) -> Iterator[str]:
        """Mend what was found; says each thing that it does."""
        sights = examined.sights
        yield from self._mark(row for sight in sights for row in sight.damaged)
        yield from self._unmark(row for sight in sights for row in sight.healed)
        yield from self._bury(examined)
        yield from self._record(examined)
        yield from self._index(examined)
        yield from self._wipe([record.ref for sight in sights for record in sight.readable])
        yield from self._recount(examined)
        yield from self._drop(examined)
        yield from _remove(examined.leftovers)

    def _mark(self, rows: Iterable[Row[Any]]) -> Iterator[str]:
        for session, hurt in _by_session(rows).items():
            with self._database.transaction() as connection:
                mark_damaged(connection, session, hurt, self._blobs)
            yield f"Marked {len(hurt)} chunks of session {hurt[0].uuid} as damaged"

    def _unmark(self, rows: Iterable[Row[Any]]) -> Iterator[str]:
        for session, sound in _by_session(rows).items():
            with self._database.transaction() as connection:
                for row in sound:
                    connection.execute(
                        update(chunks).where(chunks.c.id == row.id).values(state=STORED)
                    )
                refresh_status(connection, session)
            yield f"Counted {len(sound)} chunks of session {sound[0].uuid} as stored again"

    def _bury(self, examined: Examined) -> Iterator[str]:
        """Apply tombstones: those whose row is missing, and those whose session is not."""
        with self._database.transaction() as connection:
            reindexer = Reindexer(connection, self._now)
            graves = [
                (reindexer.owner_of(record), record.about, record.ref)
                for sight in examined.sights
                for record in sight.unapplied
            ]
            for owner, about, ref in graves:
                bury(connection, owner, about.session, about.stored_at, ref)
            for dead in examined.undead:
                # An offset of 0 leaves the end of its segment as it is.
                place = BlobRef(dead.segment, 0, 0)
                bury(connection, dead.owner, dead.uuid, dead.deleted_at, place)
        finish_waiting(self._database, self._blobs, self._now)
        for uuid in sorted(
            {about.session for _, about, _ in graves} | {dead.uuid for dead in examined.undead}
        ):
            yield f"Deleted session {uuid}, as its tombstone says"

    def _record(self, examined: Examined) -> Iterator[str]:
        """Write the records of tombstones that only the database has."""
        for user, uuid in sorted(examined.unrecorded):
            with self._database.transaction() as connection:
                row = connection.execute(
                    select(tombstones)
                    .join(users, users.c.id == tombstones.c.owner)
                    .where(users.c.name == user, tombstones.c.uuid == uuid)
                ).one()
                record = tombstone_record(row.owner, user, uuid, row.deleted_at)
                (place,) = self._blobs.append([record])
                add_to_segment(connection, place.segment, aligned(place.offset), 0, self._now)
                connection.execute(
                    update(tombstones)
                    .where(tombstones.c.owner == row.owner, tombstones.c.uuid == uuid)
                    .values(segment=place.segment)
                )
            yield f"Recorded in the segments that session {uuid} is deleted"

    def _index(self, examined: Examined) -> Iterator[str]:
        for sight in examined.sights:
            if not sight.unindexed:
                continue
            with self._database.transaction() as connection:
                reindexer = Reindexer(connection, self._now)
                taken = [reindexer.take(record) for record in sight.unindexed]
                reindexer.finish()
            count = taken.count(Taken.INDEXED)
            yield f"Indexed {count} chunks of segment {sight.number} that had no row"

    def _wipe(self, refs: list[BlobRef]) -> Iterator[str]:
        if refs:
            self._blobs.delete(refs)
            yield f"Wiped the bytes of {len(refs)} chunks of deleted sessions"

    def _recount(self, examined: Examined) -> Iterator[str]:
        """Count anew what lives in each segment, and forget those that are gone for good."""
        with self._database.transaction() as connection:
            for sight in examined.sights:
                rows = connection.execute(
                    select(chunks.c.id).where(chunks.c.segment == sight.number)
                ).all()
                known = connection.execute(
                    select(segments.c.live).where(segments.c.number == sight.number)
                ).scalar_one_or_none()
                if known is not None and known != len(rows):
                    connection.execute(
                        update(segments)
                        .where(segments.c.number == sight.number)
                        .values(live=len(rows))
                    )
                    yield f"Segment {sight.number} holds {len(rows)} chunks, not {known}"
                elif sight.size is None and not rows and known is not None:
                    connection.execute(delete(segments).where(segments.c.number == sight.number))
                    yield f"Forgot segment {sight.number}, which is gone and held nothing"
                elif known is None and sight.size is not None:
                    row = {"number": sight.number, "end": sight.size, "live": len(rows)}
                    connection.execute(insert(segments).values(**row, created_at=self._now))

    def _drop(self, examined: Examined) -> Iterator[str]:
        keep = {sight.number for sight in examined.sights if sight.unreadable}
        with self._database.transaction() as connection:
            empty = drop_empty_segments(connection, self._blobs, self._now, keep)
        for number in empty:
            self._blobs.remove(number)
            yield f"Removed segment {number}, which held nothing any more"


def _by_session(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.session, []).append(row)
    return found


def _remove(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        path.unlink(missing_ok=True)
        yield f"Removed {path}"
