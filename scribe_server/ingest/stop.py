"""Ending a session: the manifest against the rows, the stored bytes hashed again, the receipt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from scribe_server.protocol import (
    Manifest,
    Receipt,
    canonical_json,
    to_ranges,
)
from scribe_server.store.queries import Ranges, chunk_rows, missing_of_manifest, receipt_of
from scribe_server.store.schema import STORED, gaps, manifests, receipts, sessions
from scribe_server.store.status import refresh_status


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The manifest and the rows cannot both be true."""

    details: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The manifest names chunks whose bytes are not there."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Whole:
    """All that the manifest names is there, as far as the rows say."""

    rows: Sequence[Row[Any]]


Verdict = Contradiction | Missing | Whole


def mark_stopped(connection: Connection, session: int, now: int) -> int:
    """Note that the session has ended; gives when it first did."""
    stopped_at = connection.execute(
        select(sessions.c.stopped_at).where(sessions.c.id == session)
    ).scalar_one()
    if stopped_at is not None:
        return int(stopped_at)
    connection.execute(
        update(sessions).where(sessions.c.id == session).values(stopped_at=now, paused_at=None)
    )
    refresh_status(connection, session)
    return now


def sealed(manifest: Manifest) -> tuple[bytes, str]:
    """A manifest's canonical JSON and its digest."""
    body = canonical_json(msgspec.to_builtins(manifest))
    return body, hashlib.sha256(body).hexdigest()


def look(
    connection: Connection, session: int, manifest: Manifest, digest: str
) -> tuple[Verdict, Receipt | None]:
    """A manifest against the rows, and the receipt that was given for it before."""
    verdict = compare(manifest, chunk_rows(connection, session))
    return verdict, receipt_of(connection, session, digest)


def is_well_formed(manifest: Manifest) -> bool:
    """Whether the chunks are named in ascending order, each once."""
    sequences = [chunk.sequence for chunk in manifest.chunks]
    return all(one < following for one, following in pairwise(sequences))


def compare(manifest: Manifest, rows: Sequence[Row[Any]]) -> Verdict:
    """A manifest against the chunks' rows, which come in ascending order."""
    named = {chunk.sequence: chunk for chunk in manifest.chunks}
    for row in rows:
        chunk = named.get(row.sequence)
        if chunk is None:
            return Contradiction(f"chunk {row.sequence} is stored, but the manifest omits it")
        if chunk.sha256 != row.sha256.hex():
            return Contradiction(f"chunk {row.sequence} is stored with another SHA-256")
        told = (row.first_sample, row.samples)
        if None not in told and told != (chunk.first_sample, chunk.samples):
            return Contradiction(f"chunk {row.sequence} is stored with other samples")
    stored = to_ranges(row.sequence for row in rows if row.state == STORED)
    missing = missing_of_manifest(manifest, stored)
    return Missing(missing) if missing else Whole(rows)


def keep_manifest(
    connection: Connection, session: int, manifest: Manifest, seal: tuple[bytes, str], now: int
) -> None:
    """Store a manifest (`seal`: see sealed()) with its gaps, in the place of an earlier one."""
    body, digest = seal
    kept = insert(manifests).values(session=session, digest=digest, body=body, created_at=now)
    connection.execute(
        kept.on_conflict_do_update(
            index_elements=["session"],
            set_={"digest": kept.excluded.digest, "body": kept.excluded.body},
        )
    )
    connection.execute(delete(gaps).where(gaps.c.session == session))
    for position, gap in enumerate(manifest.gaps):
        row = {"session": session, "position": position, **msgspec.structs.asdict(gap)}
        connection.execute(insert(gaps).values(row))
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session)
        .values(expected_chunks=len(manifest.chunks), total_samples=manifest.total_samples)
    )
    refresh_status(connection, session)


def keep_receipt(
    connection: Connection, session: int, manifest: Manifest, receipt: Receipt
) -> Receipt | Verdict:
    """Store a receipt, unless the rows have changed since they were compared.

    When there is one for the same digest already, that one stays and is given back.
    """
    verdict = compare(manifest, chunk_rows(connection, session))
    if not isinstance(verdict, Whole):
        return verdict
    connection.execute(
        insert(receipts)
        .values(
            session=session,
            digest=receipt.digest,
            body=msgspec.json.encode(receipt),
            created_at=receipt.stored_at,
        )
        .on_conflict_do_nothing()
    )
    refresh_status(connection, session)
    kept = receipt_of(connection, session, receipt.digest)
    assert kept is not None, "the receipt was put there just now"
    return kept
