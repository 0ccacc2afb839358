"""Deleted sessions: who is buried, and how the rows of one go."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from scribe_server.store.archives.rows import ArchiveJob, forget_archive
from scribe_server.store.blobs import BlobRef, Record, RecordAbout, RecordKind
from scribe_server.store.records import aligned
from scribe_server.store.schema import (
    chunks,
    gaps,
    jobs,
    manifests,
    markers,
    receipts,
    retention_problems,
    sessions,
    tombstones,
)
from scribe_server.store.tally import add_to_segment

FREE_JOB: Final = "free"
"""A job whose payload is the JSON list of [segment, offset, length] to be given back."""

_NO_BYTES_SHA256: Final = bytes.fromhex(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)
_places = msgspec.json.Decoder(list[BlobRef])


@dataclass(frozen=True, slots=True)
class Burial:
    """A session whose rows are gone; its bytes are `refs`, to be freed by the job `job`.

    `archive` is the job that is to remove its archive, if it had one.
    """

    session: int
    job: int
    refs: list[BlobRef]
    archive: ArchiveJob | None = None


def is_deleted(connection: Connection, owner: int, uuid: str) -> bool:
    """Whether this owner deleted a session of that UUID."""
    found = connection.execute(
        select(tombstones.c.deleted_at).where(
            tombstones.c.owner == owner, tombstones.c.uuid == uuid
        )
    )
    return found.first() is not None


def tombstone_record(owner: int, user: str, uuid: str, deleted_at: int) -> Record:
    """The record that makes a rebuild from the segments leave the session out."""
    return Record(
        kind=RecordKind.TOMBSTONE,
        owner=owner,
        sequence=0,
        payload=b"",
        sha256=_NO_BYTES_SHA256,
        about=RecordAbout(session=uuid, user=user, stored_at=deleted_at),
    )


def bury(
    connection: Connection, owner: int, uuid: str, deleted_at: int, place: BlobRef
) -> Burial | None:
    """Replace an own session's rows by a tombstone; None when there was no such session.

    Args:
        connection: in a transaction.
        owner: the user's id.
        uuid: the session.
        deleted_at: the server's time.
        place: where the tombstone's record is.
    """
    connection.execute(
        insert(tombstones)
        .values(owner=owner, uuid=uuid, deleted_at=deleted_at, segment=place.segment)
        .on_conflict_do_nothing()
    )
    add_to_segment(connection, place.segment, aligned(place.offset), 0, deleted_at)
    session = connection.execute(
        select(sessions.c.id).where(sessions.c.owner == owner, sessions.c.uuid == uuid)
    ).scalar_one_or_none()
    if session is None:
        return None
    refs = _hot_refs(connection, session)
    job = release(connection, refs, deleted_at)
    dropped = forget_archive(connection, session, deleted_at)
    for table in (receipts, manifests, markers, gaps, retention_problems, chunks):
        connection.execute(delete(table).where(table.c.session == session))
    connection.execute(delete(sessions).where(sessions.c.id == session))
    return Burial(session, job, refs, dropped)


def release(connection: Connection, refs: Sequence[BlobRef], now: int) -> int:
    """Note that bytes in segments are not pointed to any more; gives the job that frees them."""
    for segment, count in Counter(ref.segment for ref in refs).items():
        add_to_segment(connection, segment, 0, -count, now)
    row = {
        "kind": FREE_JOB,
        "payload": msgspec.json.encode(list(refs)),
        "created_at": now,
        "attempts": 0,
    }
    return int(connection.execute(insert(jobs).values(row).returning(jobs.c.id)).scalar_one())


def _hot_refs(connection: Connection, session: int) -> list[BlobRef]:
    rows = connection.execute(
        select(chunks.c.segment, chunks.c.offset, chunks.c.size).where(
            chunks.c.session == session, chunks.c.segment > 0
        )
    )
    return [BlobRef(row.segment, row.offset, row.size) for row in rows]


def waiting_burials(connection: Connection) -> list[tuple[int, list[BlobRef]]]:
    """Jobs whose bytes a crash kept from being freed, as (job, refs)."""
    rows = connection.execute(select(jobs.c.id, jobs.c.payload).where(jobs.c.kind == FREE_JOB))
    return [(row.id, _places.decode(row.payload)) for row in rows]


def end_job(connection: Connection, job: int) -> None:
    """Forget a job that is done."""
    connection.execute(delete(jobs).where(jobs.c.id == job))
