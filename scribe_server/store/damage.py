"""Chunks whose bytes are not what their rows say: finding them, and counting them as missing."""

import errno
import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from scribe_server.protocol import to_ranges
from scribe_server.store.blobs import BlobReader, BlobRef, BlobStore
from scribe_server.store.errors import BlobDamagedError, StorageFailedError
from scribe_server.store.queries import Ranges
from scribe_server.store.schema import DAMAGED, chunks, sessions
from scribe_server.store.status import refresh_status


def ref_of(row: Row[Any]) -> BlobRef:
    """Where the bytes of a chunk's row are."""
    return BlobRef(row.segment, row.offset, row.size)


def is_sound(blobs: BlobReader, row: Row[Any]) -> bool:
    """Whether the stored bytes have the row's SHA-256; reads all of them.

    Bytes that the medium no longer gives are damaged like changed ones.

    Raises:
        StorageFailedError: they could not be read for another reason, which may pass.
    """
    try:
        data = blobs.read(ref_of(row))
    except BlobDamagedError:
        return False
    except StorageFailedError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EIO:
            return False
        raise
    return hashlib.sha256(data).digest() == bytes(row.sha256)


def unsound(blobs: BlobReader, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """The rows whose stored bytes do not have their SHA-256; reads all of them.

    Raises:
        StorageFailedError: see is_sound.
    """
    return [row for row in rows if not is_sound(blobs, row)]


def mark_damaged(
    connection: Connection, session: int, rows: Sequence[Row[Any]], blobs: BlobStore
) -> Ranges:
    """Count chunks as missing from now on; gives their ranges.

    A row that was mended or deleted meanwhile, so that its bytes are elsewhere now, is left alone.
    """
    for row in rows:
        blobs.mark_damaged(ref_of(row))
        connection.execute(
            update(chunks)
            .where(chunks.c.id == row.id, chunks.c.segment == row.segment)
            .where(chunks.c.offset == row.offset)
            .values(state=DAMAGED)
        )
    there = select(sessions.c.id).where(sessions.c.id == session)
    if connection.execute(there).first() is not None:
        refresh_status(connection, session)
    return to_ranges(row.sequence for row in rows)
