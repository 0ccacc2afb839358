"""Bringing an archived session back to the segments. Its archive stays until the next one is made.

Chunks come in batches, each made durable and pointed to in one transaction; a crash leaves some in
the segments and some in the archive, which is as good to play, and restoring goes on from there.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, update

from scribe_server.protocol import SessionStatus
from scribe_server.store import Store
from scribe_server.store.blobs import Record, RecordAbout, RecordKind
from scribe_server.store.damage import ref_of
from scribe_server.store.errors import BlobDamagedError
from scribe_server.store.queries import find_row
from scribe_server.store.records import aligned
from scribe_server.store.schema import STORED, chunks, sessions
from scribe_server.store.status import refresh_status
from scribe_server.store.tally import add_to_segment

BATCH_BYTES: Final = 8 * 1024 * 1024
_PLACE: Final = (
    update(chunks)
    .where(chunks.c.id == bindparam("chunk"))
    .values(segment=bindparam("to_segment"), offset=bindparam("to_offset"))
)


@dataclass(frozen=True, slots=True)
class Restored:
    """What is hot again: chunks and bytes."""

    chunks: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Session:
    pk: int
    owner: int
    user: str
    uuid: str

    def record(self, row: Row[Any], payload: bytes) -> Record:
        """The record of a chunk as it was when it came first."""
        about = RecordAbout(
            session=self.uuid,
            user=self.user,
            stored_at=row.created_at,
            mime_type=row.mime_type,
            first_sample=row.first_sample,
            samples=row.samples,
            taken_at=row.taken_at,
        )
        sha256 = bytes(row.sha256)
        return Record(RecordKind.CHUNK, self.owner, row.sequence, payload, sha256, about)


class ColdError(Exception):
    """The session's audio was removed for good: there is nothing to bring back."""


async def restore(store: Store, owner: int, user: str, uuid: str) -> Restored | None:
    """Bring all chunks that are in an archive back; None when this owner has no such session.

    Raises:
        ColdError: the audio is gone.
        StorageError: the archive is damaged or out of reach, or the disk failed.
    """
    row = await store.database.read(lambda connection: find_row(connection, owner, uuid))
    if row is None:
        return None
    if row.status == SessionStatus.COLD:
        raise ColdError
    waiting = await store.database.read(lambda connection: _archived(connection, row.id))
    size = 0
    for batch in _batches(waiting):
        await _bring_back(store, _Session(row.id, owner, user, uuid), batch)
        size += sum(one.size for one in batch)
    return Restored(len(waiting), size)


async def _bring_back(store: Store, session: _Session, batch: list[Row[Any]]) -> None:
    payloads = await store.database.in_background(lambda: [_read(store, one) for one in batch])
    records = [session.record(row, data) for row, data in zip(batch, payloads, strict=True)]
    await store.write(lambda found: _put_back(found, store, session.pk, batch, records))


def _archived(connection: Connection, session: int) -> Sequence[Row[Any]]:
    return connection.execute(
        select(chunks)
        .where(chunks.c.session == session, chunks.c.segment < 0, chunks.c.state == STORED)
        .order_by(chunks.c.sequence)
    ).all()


def _batches(rows: Sequence[Row[Any]]) -> Iterator[list[Row[Any]]]:
    batch: list[Row[Any]] = []
    for row in rows:
        batch.append(row)
        if sum(one.size for one in batch) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(store: Store, row: Row[Any]) -> bytes:
    data = store.shelf.read(ref_of(row))
    if hashlib.sha256(data).digest() != bytes(row.sha256):
        raise BlobDamagedError(f"chunk {row.sequence} is damaged in its archive")
    return data


def _put_back(
    connection: Connection,
    store: Store,
    session: int,
    batch: Sequence[Row[Any]],
    records: Sequence[Record],
) -> None:
    """Append the records and let the rows point to them, unless they point elsewhere by now."""
    still = {row.id: ref_of(row) for row in _archived(connection, session)}
    wanted = [
        (row, record)
        for row, record in zip(batch, records, strict=True)
        if still.get(row.id) == ref_of(row)
    ]
    if not wanted:
        return
    now = store.clock()
    refs = store.blobs.append([record for _, record in wanted])
    connection.execute(
        _PLACE,
        [
            {"chunk": row.id, "to_segment": ref.segment, "to_offset": ref.offset}
            for (row, _), ref in zip(wanted, refs, strict=True)
        ],
    )
    last = refs[-1]
    add_to_segment(connection, last.segment, aligned(last.offset + last.length), len(refs), now)
    connection.execute(update(sessions).where(sessions.c.id == session).values(restored_at=now))
    refresh_status(connection, session)
