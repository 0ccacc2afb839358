"""A session's status on the server, derived from its rows."""

from sqlalchemy import Connection, func, select, update

from scribe_server.protocol import SessionStatus
from scribe_server.store.schema import STORED, chunks, manifests, receipts, sessions


def derive_status(
    *, stopped: bool, stored: int, rows: int, expected: int | None, promised: bool
) -> SessionStatus:
    """What a session is.

    Args:
        stopped: whether the client has ended it.
        stored: chunks whose bytes are there.
        rows: chunks that ever were there, damaged ones among them.
        expected: how many there must be; None when nobody has said.
        promised: no manifest asks for a receipt, or its receipt was given.
    """
    if not stopped:
        return SessionStatus.RECORDING
    whole = stored == rows == expected
    return SessionStatus.COMPLETE if whole and promised else SessionStatus.INCOMPLETE


def refresh_status(connection: Connection, session: int) -> SessionStatus:
    """Bring the status column up to date with the session's rows; `session` is its internal id."""
    row = connection.execute(
        select(sessions.c.stopped_at, manifests.c.digest, sessions.c.expected_chunks)
        .join(manifests, manifests.c.session == sessions.c.id, isouter=True)
        .where(sessions.c.id == session)
    ).one()
    counted = connection.execute(
        select(
            func.count().label("rows"),
            func.count().filter(chunks.c.state == STORED).label("stored"),
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
    )
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session)
        .values(status=status.value, expected_chunks=expected)
    )
    return status


def _has_receipt(connection: Connection, session: int, digest: str) -> bool:
    found = connection.execute(
        select(receipts.c.id).where(receipts.c.session == session, receipts.c.digest == digest)
    )
    return found.first() is not None
