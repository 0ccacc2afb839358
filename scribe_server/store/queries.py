"""Questions about one session that reading and writing both ask.

`session` is the internal id, found by find_row() for its owner only.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select

from scribe_server.protocol import Manifest, Receipt, to_ranges
from scribe_server.store.schema import STORED, chunks, manifests, receipts, sessions

Ranges = list[tuple[int, int]]

_manifest = msgspec.json.Decoder(Manifest)
_receipt = msgspec.json.Decoder(Receipt)


def find_row(connection: Connection, owner: int, uuid: str) -> Row[Any] | None:
    """The owner's session, all its columns."""
    return connection.execute(
        select(sessions).where(sessions.c.owner == owner, sessions.c.uuid == uuid)
    ).one_or_none()


def stored_ranges(connection: Connection, session: int) -> Ranges:
    """Inclusive pairs of the sequences whose bytes are there, ascending."""
    # Within a run of consecutive sequences, sequence - row number is constant.
    run = chunks.c.sequence - func.row_number().over(order_by=chunks.c.sequence)
    numbered = (
        select(chunks.c.sequence, run.label("run"))
        .where(chunks.c.session == session, chunks.c.state == STORED)
        .subquery()
    )
    first = func.min(numbered.c.sequence)
    rows = connection.execute(
        select(first, func.max(numbered.c.sequence)).group_by(numbered.c.run).order_by(first)
    )
    return [(row[0], row[1]) for row in rows]


def highest_sequence(connection: Connection, session: int) -> int:
    """The highest sequence that was ever stored; -1 when there is none."""
    highest = connection.execute(
        select(func.max(chunks.c.sequence)).where(chunks.c.session == session)
    ).scalar_one()
    return -1 if highest is None else int(highest)


def chunk_rows(connection: Connection, session: int) -> Sequence[Row[Any]]:
    """All chunks of a session in ascending order, all columns."""
    return connection.execute(
        select(chunks).where(chunks.c.session == session).order_by(chunks.c.sequence)
    ).all()


def manifest_of(connection: Connection, session: int) -> Manifest | None:
    """The manifest that the client stopped the session with, if it did."""
    body = connection.execute(
        select(manifests.c.body).where(manifests.c.session == session)
    ).scalar_one_or_none()
    return None if body is None else _manifest.decode(body)


def receipt_of(connection: Connection, session: int, digest: str | None = None) -> Receipt | None:
    """The newest receipt of a session, or the one for a manifest's digest."""
    asked = select(receipts.c.body).where(receipts.c.session == session)
    if digest is not None:
        asked = asked.where(receipts.c.digest == digest)
    body = connection.execute(asked.order_by(receipts.c.id.desc()).limit(1)).scalar_one_or_none()
    return None if body is None else _receipt.decode(body)


def missing_of_manifest(manifest: Manifest, stored: Ranges) -> Ranges:
    """The sequences that a manifest names and that are not in the stored ranges, as ranges."""
    return to_ranges(missing_sequences(manifest, stored))


def missing_sequences(manifest: Manifest, stored: Ranges) -> list[int]:
    """The sequences that a manifest names and that are not in the stored ranges."""
    missing: list[int] = []
    following = iter(stored)
    first, last = next(following, (-1, -1))
    for chunk in manifest.chunks:
        while last < chunk.sequence and (pair := next(following, None)) is not None:
            first, last = pair
        if not first <= chunk.sequence <= last:
            missing.append(chunk.sequence)
    return missing
