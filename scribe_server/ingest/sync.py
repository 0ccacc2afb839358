"""sync-check: the server's books beside the client's, session by session."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, select

from scribe_server.auth import Owner
from scribe_server.protocol import (
    SessionStatus,
    SyncCheckSession,
    SyncStateSession,
    digest_of,
)
from scribe_server.store.queries import (
    find_row,
    highest_sequence,
    receipt_of,
    stored_ranges,
)
from scribe_server.store.schema import STORED, chunks
from scribe_server.store.tombstones import is_deleted

Ranges = Sequence[tuple[int, int]]


def compare(connection: Connection, owner: Owner, asked: SyncCheckSession) -> SyncStateSession:
    """One session of a sync-check, answered."""
    row = find_row(connection, owner.user_id, asked.session_id)
    if row is None:
        deleted = is_deleted(connection, owner.user_id, asked.session_id)
        status = SessionStatus.DELETED if deleted else SessionStatus.UNKNOWN
        return SyncStateSession(asked.session_id, status, match=False, stored=[], max_seq=-1)
    receipt = receipt_of(connection, row.id)
    return SyncStateSession(
        session_id=asked.session_id,
        status=SessionStatus(row.status),
        match=_matches(connection, row.id, asked),
        stored=stored_ranges(connection, row.id),
        max_seq=highest_sequence(connection, row.id),
        receipt_digest=None if receipt is None else receipt.digest,
    )


def _matches(connection: Connection, session: int, asked: SyncCheckSession) -> bool:
    if not in_order(asked.have):
        return False
    rows = connection.execute(
        select(chunks.c.sequence, chunks.c.sha256)
        .where(chunks.c.session == session, chunks.c.state == STORED)
        .order_by(chunks.c.sequence)
    )
    stored = ((row.sequence, row.sha256.hex()) for row in rows)
    return digest_of(within(stored, asked.have)) == asked.digest


def in_order(ranges: Ranges) -> bool:
    """Whether inclusive pairs are ascending and apart from each other."""
    before = -1
    for first, last in ranges:
        if first <= before or last < first:
            return False
        before = last
    return True


def within(stored: Iterable[tuple[int, str]], ranges: Ranges) -> Iterator[tuple[int, str]]:
    """Those of the ascending (sequence, SHA-256) pairs whose sequence is in the ranges."""
    following = iter(ranges)
    first, last = next(following, (-1, -1))
    for sequence, sha256 in stored:
        while last < sequence and (pair := next(following, None)) is not None:
            first, last = pair
        if first <= sequence <= last:
            yield sequence, sha256
