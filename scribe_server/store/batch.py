"""One batch of chunks: who is new, who is there already, bytes, rows.

The order is: look at what is stored, append the new bytes (durable when append returns), then
one transaction for the rows. Only after that does anyone get an answer.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert

from scribe_server.protocol import ErrorCode
from scribe_server.store.blobs import BlobRef, Record, RecordAbout, RecordKind
from scribe_server.store.database import begin
from scribe_server.store.errors import StorageError, StorageFullError
from scribe_server.store.hot import HotSession, HotSessions
from scribe_server.store.records import aligned
from scribe_server.store.schema import DAMAGED, STORED, chunks
from scribe_server.store.status import refresh_status
from scribe_server.store.tally import add_to_segment, add_usage


class Stored(NamedTuple):
    """The chunk is durable; `duplicate` when it was before."""

    sha256: str
    stored_at: int
    duplicate: bool


Outcome = Stored | ErrorCode
Key = tuple[int, int]
ChunkRow = Row[Any]


@dataclass(slots=True, eq=False)
class ChunkWrite:
    """A chunk on its way in; `claimed` is the SHA-256 that the client says it has."""

    session: HotSession
    sequence: int
    payload: bytes
    claimed: bytes | None
    mime_type: str
    first_sample: int | None
    samples: int | None
    taken_at: int | None
    sha256: bytes = b""
    outcome: Outcome = ErrorCode.INTERNAL

    @property
    def key(self) -> Key:
        """What is unique: the session's internal id and the sequence."""
        return self.session.pk, self.sequence


@dataclass(slots=True)
class _Plan:
    """What becomes of a batch.

    `fresh` need a row, `mended` have a damaged one (whose bytes were in the segment given),
    `followers` come after a twin in the same batch.
    """

    fresh: list[ChunkWrite] = field(default_factory=list)
    mended: list[tuple[ChunkWrite, int]] = field(default_factory=list)
    followers: list[tuple[ChunkWrite, ChunkWrite]] = field(default_factory=list)

    @property
    def to_append(self) -> list[ChunkWrite]:
        """All whose bytes have to be written."""
        return self.fresh + [write for write, _ in self.mended]


Append = Callable[[Sequence[Record]], list[BlobRef]]
_FIND: Final[Select[Any]] = select(
    chunks.c.sha256, chunks.c.state, chunks.c.created_at, chunks.c.segment, chunks.c.offset
).where(chunks.c.session == bindparam("of_session"), chunks.c.sequence == bindparam("at"))
_COLUMNS: Final = (
    chunks.c.session,
    chunks.c.sequence,
    chunks.c.sha256,
    chunks.c.size,
    chunks.c.state,
    chunks.c.segment,
    chunks.c.offset,
    chunks.c.created_at,
    chunks.c.first_sample,
    chunks.c.samples,
    chunks.c.taken_at,
    chunks.c.mime_type,
)
# As text and with bare tuples: SQLAlchemy's work on each row would be most of what a row costs.
_INSERT: Final = str(
    insert(chunks)
    .values({column.name: bindparam(column.name) for column in _COLUMNS})
    .on_conflict_do_nothing()
    .compile(dialect=sqlite.dialect())
)
_MEND: Final = (
    update(chunks)
    .where(chunks.c.session == bindparam("of_session"), chunks.c.sequence == bindparam("at"))
    .values(
        state=STORED,
        segment=bindparam("to_segment"),
        offset=bindparam("to_offset"),
        created_at=bindparam("now"),
    )
)


def store_batch(
    connection: Connection, writes: Sequence[ChunkWrite], append: Append, hot: HotSessions, now: int
) -> None:
    """Store a batch and set each write's outcome.

    Args:
        connection: outside of a transaction; left so.
        writes: the chunks that arrived, oldest first.
        append: BlobStore.append.
        hot: sessions in memory; their `max_seq` goes up.
        now: the server's time.
    """
    for write in writes:
        write.sha256 = hashlib.sha256(write.payload).digest()
    plan = _Plan()
    try:
        _sort_out(writes, _rows_of(connection, writes), hot, plan)
        if plan.to_append:
            refs = append([_record(write, now) for write in plan.to_append])
            with begin(connection):
                stored = _write_rows(connection, plan, refs, now)
            for write in stored:
                write.session.max_seq = max(write.session.max_seq, write.sequence)
                write.outcome = Stored(write.sha256.hex(), now, duplicate=False)
    except StorageError as error:
        _fail(plan.to_append or writes, error)
    for write, leader in plan.followers:
        write.outcome = _beside(write, leader)


def _rows_of(connection: Connection, writes: Iterable[ChunkWrite]) -> dict[Key, ChunkRow]:
    # Above the highest stored sequence there is nothing to look for: the usual case reads nothing.
    known = [write for write in writes if write.sequence <= write.session.max_seq]
    if not known:
        return {}
    with begin(connection):
        return _find_all(connection, known)


def _find_all(connection: Connection, writes: Iterable[ChunkWrite]) -> dict[Key, ChunkRow]:
    rows: dict[Key, ChunkRow] = {}
    for write in writes:
        asked = {"of_session": write.session.pk, "at": write.sequence}
        if (row := connection.execute(_FIND, asked).one_or_none()) is not None:
            rows[write.key] = row
    return rows


def _sort_out(
    writes: Iterable[ChunkWrite], rows: Mapping[Key, ChunkRow], hot: HotSessions, plan: _Plan
) -> None:
    leaders: dict[Key, ChunkWrite] = {}
    for write in writes:
        if write.claimed is not None and write.claimed != write.sha256:
            write.outcome = ErrorCode.CHECKSUM_MISMATCH
        elif hot.is_gone(write.session):
            write.outcome = ErrorCode.SESSION_CLOSED
        elif (leader := leaders.get(write.key)) is not None:
            plan.followers.append((write, leader))
        elif (row := rows.get(write.key)) is None:
            leaders[write.key] = write
            plan.fresh.append(write)
        elif row.state == DAMAGED and row.sha256 == write.sha256:
            leaders[write.key] = write
            plan.mended.append((write, row.segment))
        else:
            write.outcome = _against(row, write)


def _against(row: ChunkRow, write: ChunkWrite) -> Outcome:
    if row.sha256 != write.sha256:
        return ErrorCode.CONFLICT
    return Stored(write.sha256.hex(), row.created_at, duplicate=True)


def _beside(write: ChunkWrite, leader: ChunkWrite) -> Outcome:
    """The outcome of a write whose twin came first in the same batch."""
    if not isinstance(leader.outcome, Stored):
        return leader.outcome
    if leader.sha256 != write.sha256:
        return ErrorCode.CONFLICT
    return leader.outcome._replace(duplicate=True)


def _record(write: ChunkWrite, now: int) -> Record:
    return Record(
        kind=RecordKind.CHUNK,
        owner=write.session.owner,
        sequence=write.sequence,
        payload=write.payload,
        sha256=write.sha256,
        about=RecordAbout(
            session=write.session.uuid,
            user=write.session.user,
            stored_at=now,
            mime_type=write.mime_type,
            first_sample=write.first_sample,
            samples=write.samples,
            taken_at=write.taken_at,
        ),
    )


def _write_rows(
    connection: Connection, plan: _Plan, refs: Sequence[BlobRef], now: int
) -> list[ChunkWrite]:
    """Write the rows and give the writes that they stored.

    `max_seq` may lag behind the database only for a session that was evicted and loaded again
    while a chunk was on its way; the unique key then keeps the older row.
    """
    places = dict(zip((write.key for write in plan.to_append), refs, strict=True))
    added = _insert(connection, plan.fresh, places, now) if plan.fresh else set()
    new = [write for write in plan.fresh if write.key in added]
    others = _find_all(connection, (write for write in plan.fresh if write.key not in added))
    for write, old_segment in plan.mended:
        _mend(connection, write, places[write.key], old_segment, now)
    stored = new + [write for write, _ in plan.mended]
    last = refs[-1]
    add_to_segment(connection, last.segment, aligned(last.offset + last.length), len(stored), now)
    add_usage(connection, [(write.session.owner, len(write.payload)) for write in new], now)
    for session in {write.session for write in stored if not write.session.recording}:
        refresh_status(connection, session.pk)
    for write in plan.fresh:
        if (row := others.get(write.key)) is not None:
            write.outcome = _against(row, write)
    return stored


def _insert(
    connection: Connection,
    writes: Sequence[ChunkWrite],
    places: Mapping[Key, BlobRef],
    now: int,
) -> set[Key]:
    """Insert rows; gives the keys of those that had none before."""
    rows = [_row(write, places[write.key], now) for write in writes]
    if connection.exec_driver_sql(_INSERT, rows).rowcount == len(rows):
        return {write.key for write in writes}
    found = _find_all(connection, writes)
    return {
        key
        for key, row in found.items()
        if (row.segment, row.offset) == (places[key].segment, places[key].offset)
    }


def _row(write: ChunkWrite, place: BlobRef, now: int) -> tuple[Any, ...]:
    """The values of _COLUMNS."""
    return (
        write.session.pk,
        write.sequence,
        write.sha256,
        len(write.payload),
        STORED,
        place.segment,
        place.offset,
        now,
        write.first_sample,
        write.samples,
        write.taken_at,
        write.mime_type,
    )


def _mend(
    connection: Connection, write: ChunkWrite, ref: BlobRef, old_segment: int, now: int
) -> None:
    # The old record is dead now, or was never there.
    add_to_segment(connection, old_segment, 0, -1, now)
    connection.execute(
        _MEND,
        {
            "of_session": write.session.pk,
            "at": write.sequence,
            "to_segment": ref.segment,
            "to_offset": ref.offset,
            "now": now,
        },
    )


def _fail(writes: Iterable[ChunkWrite], error: StorageError) -> None:
    code = (
        ErrorCode.STORAGE_FULL if isinstance(error, StorageFullError) else ErrorCode.STORAGE_FAILED
    )
    for write in writes:
        write.outcome = code
