"""Taking archives into the books again that a lost or older database does not know.

An archive tells its session, so nothing else is needed. What the books know better stays: a
tombstone, an archive of the session, chunks that are there. The archive is read as a whole first:
only chunks that have their SHA-256 are pointed to.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scribe_server.protocol import Receipt, SessionStatus
from scribe_server.retention.checking import RangedFile, members_in
from scribe_server.retention.contents import ARCHIVE_FORMAT
from scribe_server.retention.zipping import LOCAL_BYTES, Member
from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.rows import DROP_JOB, add_job, archive_of
from scribe_server.store.database import Database
from scribe_server.store.errors import BlobDamagedError
from scribe_server.store.queries import find_row
from scribe_server.store.reindex import UNKNOWN_SOURCE
from scribe_server.store.schema import (
    DAMAGED,
    STORED,
    archives,
    chunks,
    gaps,
    manifests,
    receipts,
    sessions,
    users,
)
from scribe_server.store.status import refresh_status
from scribe_server.store.tally import add_to_segment
from scribe_server.store.tombstones import is_deleted

_BUFFER: Final = 256 * 1024


class ArchivedGap(msgspec.Struct, frozen=True, rename="camel"):
    """A gap as metadata.json tells it."""

    at_sample: int
    samples: int
    reason: str
    wall_ms: int


class ArchivedChunk(msgspec.Struct, frozen=True, rename="camel"):
    """A chunk as metadata.json tells it."""

    sequence: int
    member: str
    sha256: str
    size: int
    stored_at: int
    mime_type: str
    first_sample: int | None = None
    samples: int | None = None
    taken_at: int | None = None


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """What metadata.json tells; see contents.py."""

    format: str
    session_id: str
    user: str
    audio: bool
    title: str
    source: str
    layout: str
    started_at: int
    created_at: int
    stopped_at: int | None
    total_samples: int | None
    timezone: str | None
    sample_rate: int | None
    channels: int | None
    codec: str | None
    chunk_ms: int | None
    device: str | None
    device_id: str | None
    forked_from: str | None
    gaps: list[ArchivedGap]
    chunks: list[ArchivedChunk]


@dataclass(frozen=True, slots=True)
class Opened:
    """An archive that was read as a whole: what it tells, and where its sound chunks are."""

    key: str
    size: int
    sha256: bytes
    metadata: Metadata
    texts: Mapping[str, bytes]
    offsets: Mapping[int, int]


def adopt(database: Database, place: ArchivePlace, key: str, now: int) -> str:
    """Take an archive into the books; gives a sentence that says what became of it.

    Raises:
        BlobDamagedError: it is no archive of ours, or damaged.
        StorageError: its place or the database failed.
    """
    opened = read(place, key)
    with database.transaction() as connection:
        return _adopt(connection, opened, now)


def read(place: ArchivePlace, key: str) -> Opened:
    """Read an archive as a whole.

    Raises:
        BlobDamagedError: it is no archive of ours, or damaged.
        StorageFailedError: its place failed.
    """
    size = place.size(key)
    if size is None:
        raise BlobDamagedError(f"archive {key} is missing")
    try:
        with zipfile.ZipFile(io.BufferedReader(RangedFile(place, key, size), _BUFFER)) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            texts = {name: archive.read(name) for name in infos if not name.startswith("chunks/")}
        metadata = msgspec.json.decode(texts["metadata.json"], type=Metadata)
        spans = [_span(infos[one.member]) for one in metadata.chunks if metadata.audio]
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, ValueError) as error:
        raise BlobDamagedError(f"archive {key} cannot be read: {error}") from error
    if metadata.format != ARCHIVE_FORMAT:
        raise BlobDamagedError(f"archive {key} has the format {metadata.format[:50]!r}")
    whole = hashlib.sha256()
    found = list(members_in(place.stream(key), spans, whole))
    offsets = {
        one.sequence: span.offset
        for one, span, (sha256, _) in zip(metadata.chunks, spans, found, strict=False)
        if sha256.hex() == one.sha256
    }
    if len(offsets) < len(spans):
        raise BlobDamagedError(f"{len(spans) - len(offsets)} chunks of archive {key} are damaged")
    return Opened(key, size, whole.digest(), metadata, texts, offsets)


def _span(info: zipfile.ZipInfo) -> Member:
    # Our own writer puts nothing between a member's name and its bytes.
    start = info.header_offset + LOCAL_BYTES + len(info.filename)
    return Member(info.filename, start, info.file_size)


def _adopt(connection: Connection, opened: Opened, now: int) -> str:
    about = opened.metadata
    session = f"of session {about.session_id} of {about.user}"
    owner = _owner(connection, about.user, now)
    if is_deleted(connection, owner, about.session_id):
        add_job(connection, DROP_JOB, opened.key, now)
        return f"The archive {opened.key} {session} will be removed: the session was deleted"
    row = find_row(connection, owner, about.session_id)
    if row is not None and (archive_of(connection, row.id) is not None or not about.audio):
        return f"Left the archive {opened.key} {session}: the books know more than it does"
    pk = _make_session(connection, owner, about) if row is None else int(row.id)
    if row is not None and row.source == UNKNOWN_SOURCE:  # made from records, which tell less
        told = _session_told(about)
        connection.execute(update(sessions).where(sessions.c.id == pk).values(told))
    archive = _add_archive(connection, pk, opened, now)
    count = sum(
        _place(connection, pk, one, opened, archive=archive, now=now) for one in about.chunks
    )
    _add_signed(connection, pk, opened, now)
    refresh_status(connection, pk)
    return f"Took the archive {opened.key} {session} into the books again: {count} chunks"


def _owner(connection: Connection, name: str, now: int) -> int:
    connection.execute(upsert(users).values(name=name, created_at=now).on_conflict_do_nothing())
    return int(connection.execute(select(users.c.id).where(users.c.name == name)).scalar_one())


def _make_session(connection: Connection, owner: int, about: Metadata) -> int:
    row = {"owner": owner, "uuid": about.session_id, "status": SessionStatus.RECORDING.value}
    made = connection.execute(
        insert(sessions).values({**row, **_session_told(about)}).returning(sessions.c.id)
    )
    return int(made.scalar_one())


def _session_told(about: Metadata) -> dict[str, Any]:
    left_out = {"format", "session_id", "user", "audio", "gaps", "chunks"}
    told = msgspec.structs.asdict(about)
    return {name: value for name, value in told.items() if name not in left_out}


def _add_archive(connection: Connection, session: int, opened: Opened, now: int) -> int:
    made = connection.execute(
        insert(archives)
        .values(
            session=session,
            key=opened.key,
            size=opened.size,
            sha256=opened.sha256,
            audio=opened.metadata.audio,
            created_at=now,
        )
        .returning(archives.c.id)
    )
    return int(made.scalar_one())


def _place(
    connection: Connection,
    session: int,
    one: ArchivedChunk,
    opened: Opened,
    *,
    archive: int,
    now: int,
) -> bool:
    """Point a chunk into the archive, unless its bytes are elsewhere."""
    place = {"segment": -archive, "offset": opened.offsets.get(one.sequence, 0), "state": STORED}
    row = connection.execute(
        select(chunks).where(chunks.c.session == session, chunks.c.sequence == one.sequence)
    ).one_or_none()
    if row is None:
        connection.execute(insert(chunks).values(session=session, **_told(one), **place))
        return True
    if row.state != DAMAGED or bytes(row.sha256).hex() != one.sha256:
        return False
    connection.execute(update(chunks).where(chunks.c.id == row.id).values(place))
    add_to_segment(connection, row.segment, 0, -1, now)
    return True


def _told(one: ArchivedChunk) -> dict[str, Any]:
    return {
        "sequence": one.sequence,
        "sha256": bytes.fromhex(one.sha256),
        "size": one.size,
        "created_at": one.stored_at,
        "first_sample": one.first_sample,
        "samples": one.samples,
        "taken_at": one.taken_at,
        "mime_type": one.mime_type,
    }


def _add_signed(connection: Connection, session: int, opened: Opened, now: int) -> None:
    """Manifest with its gaps, and receipt, where the books have none."""
    manifest, receipt = opened.texts.get("manifest.json"), opened.texts.get("receipt.json")
    there = select(manifests.c.session).where(manifests.c.session == session)
    if manifest is not None and connection.execute(there).first() is None:
        digest = hashlib.sha256(manifest).hexdigest()
        row = {"session": session, "digest": digest, "body": manifest, "created_at": now}
        connection.execute(insert(manifests).values(row))
        for position, gap in enumerate(opened.metadata.gaps):
            told = msgspec.structs.asdict(gap)
            connection.execute(insert(gaps).values(session=session, position=position, **told))
        expected = {
            "expected_chunks": len(opened.metadata.chunks),
            "total_samples": opened.metadata.total_samples,
        }
        connection.execute(update(sessions).where(sessions.c.id == session).values(expected))
    if receipt is not None:
        given = msgspec.json.decode(receipt, type=Receipt)
        row = {"session": session, "digest": given.digest, "body": receipt}
        connection.execute(
            upsert(receipts).values(**row, created_at=given.stored_at).on_conflict_do_nothing()
        )
