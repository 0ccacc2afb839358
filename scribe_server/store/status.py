"""A session's status on the server, derived from its rows."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from scribe_server.protocol import SessionStatus
from scribe_server.store.schema import (
    DAMAGED,
    STORED,
    archives,
    chunks,
    manifests,
    receipts,
    sessions,
)


@dataclass(frozen=True, slots=True)
class Archived:
    """Of an archive: whether it holds the audio, and how many chunks are elsewhere (hot)."""

    audio: bool
    hot: int


def derive_status(
    *,
    stopped: bool,
    stored: int,
    rows: int,
    expected: int | None,
    promised: bool,
    archived: Archived | None = None,
) -> SessionStatus:
    """What a session is.

    Args:
        stopped: whether the client has ended it.
        stored: chunks whose bytes are there, or were until the session went cold.
        rows: chunks that ever were there, damaged ones among them.
        expected: how many there must be; None when nobody has said.
        promised: no manifest asks for a receipt, or its receipt was given.
        archived: its archive; None when it has none.
    """
    if not stopped:
        return SessionStatus.RECORDING
    if not (stored == rows == expected and promised):
        return SessionStatus.INCOMPLETE
    if archived is None or archived.hot:
        return SessionStatus.COMPLETE
    return SessionStatus.ARCHIVED if archived.audio else SessionStatus.COLD


def refresh_status(connection: Connection, session: int) -> SessionStatus:
    """Bring the status column up to date with the session's rows; `session` is its internal id."""
    row = connection.execute(
        select(
            sessions.c.status,
            sessions.c.stopped_at,
            sessions.c.expected_chunks,
            manifests.c.digest,
            archives.c.audio,
        )
        .join(manifests, manifests.c.session == sessions.c.id, isouter=True)
        .join(archives, archives.c.session == sessions.c.id, isouter=True)
        .where(sessions.c.id == session)
    ).one()
    counted = connection.execute(
        select(
            func.count().label("rows"),
            func.count().filter(chunks.c.state == STORED).label("stored"),
            func.count().filter(chunks.c.segment > 0).label("hot"),
            func.max(chunks.c.sequence).label("highest"),
        ).where(chunks.c.session == session)
    ).one()
    expected = row.expected_chunks
    if row.digest is None and row.stopped_at is not None:
        expected = 0 if counted.highest is None else counted.highest + 1
    status = derive_status(
        stopped=row.stopped_at is not None,
        stored=counted.stored,
        rows=counted.rows,
        expected=expected,
        promised=row.digest is None or _has_receipt(connection, session, row.digest),
        archived=None if row.audio is None else Archived(row.audio, counted.hot),
    )
    if row.audio is False and status is not SessionStatus.COLD:
        status = _count_as_missing(connection, session, status)
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session)
        .values(status=status.value, expected_chunks=expected)
    )
    return status


def _count_as_missing(connection: Connection, session: int, status: SessionStatus) -> SessionStatus:
    """A cold session was opened again: what was heard no more is asked for again."""
    lost = update(chunks).where(
        chunks.c.session == session, chunks.c.segment < 0, chunks.c.state == STORED
    )
    found = connection.execute(lost.values(state=DAMAGED)).rowcount
    if found and status is SessionStatus.COMPLETE:
        return SessionStatus.INCOMPLETE
    return status


def _has_receipt(connection: Connection, session: int, digest: str) -> bool:
    found = connection.execute(
        select(receipts.c.id).where(receipts.c.session == session, receipts.c.digest == digest)
    )
    return found.first() is not None
