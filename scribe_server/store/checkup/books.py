"""The database by itself: its own soundness, tombstones, receipts, sessions that wait."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select, text

from scribe_server.protocol import Receipt, SessionStatus
from scribe_server.store.archives.rows import DROP_JOB
from scribe_server.store.checkup.findings import Counted, Finding, Kind
from scribe_server.store.schema import (
    chunks,
    jobs,
    receipts,
    segments,
    sessions,
    tombstones,
    users,
)
from scribe_server.store.tombstones import FREE_JOB

PATIENCE_MS: Final = 30 * 86_400_000
"""A session that has been incomplete for so long will hardly complete itself."""

Holds = Callable[[Receipt], bool]
_DELETIONS: Final = (FREE_JOB, DROP_JOB)
_UNFINISHED: Final = (SessionStatus.RECORDING.value, SessionStatus.INCOMPLETE.value)


@dataclass(frozen=True, slots=True)
class Undead:
    """A session that was deleted and is there all the same."""

    owner: int
    user: str
    uuid: str
    deleted_at: int
    segment: int


def foreign_keys(connection: Connection) -> list[Finding]:
    """Rows that name others that are not there."""
    rows = connection.execute(text("PRAGMA foreign_key_check")).all()
    return [
        Finding(Kind.FOREIGN_KEY, f"Row {row[1]} of {row[0]} names a row of {row[2]} that is gone.")
        for row in rows
    ]


def count(connection: Connection, counted: Counted) -> None:
    """Note how many rows there are."""
    for name, column in (
        ("sessions", sessions.c.id),
        ("tombstones", tombstones.c.uuid),
        ("receipts", receipts.c.id),
        ("chunks", chunks.c.id),
    ):
        setattr(counted, name, connection.execute(select(func.count(column))).scalar_one())


def undead(connection: Connection) -> list[Undead]:
    """Sessions that have a tombstone."""
    rows = connection.execute(
        select(tombstones, users.c.name)
        .join(users, users.c.id == tombstones.c.owner)
        .join(
            sessions,
            (sessions.c.owner == tombstones.c.owner) & (sessions.c.uuid == tombstones.c.uuid),
        )
    )
    return [Undead(row.owner, row.name, row.uuid, row.deleted_at, row.segment) for row in rows]


def unsigned(connection: Connection, holds: Holds | None) -> list[Finding]:
    """Receipts whose signature does not hold; `holds` is None where the key is missing."""
    rows = connection.execute(
        select(receipts.c.body, sessions.c.uuid, users.c.name)
        .join(sessions, sessions.c.id == receipts.c.session)
        .join(users, users.c.id == sessions.c.owner)
        .order_by(receipts.c.id)
    ).all()
    if rows and holds is None:
        message = f"The receipt key is missing; {len(rows)} receipts were signed with it."
        return [Finding(Kind.RECEIPT_KEY, message)]
    return [_unsigned(row) for row in rows if holds is not None and not _holds(row, holds)]


def _holds(row: Any, holds: Holds) -> bool:
    try:
        receipt = msgspec.json.decode(row.body, type=Receipt)
    except msgspec.MsgspecError:
        return False
    return receipt.session_id == row.uuid and holds(receipt)


def _unsigned(row: Any) -> Finding:
    message = f"The receipt of session {row.uuid} of {row.name} is not signed by this server."
    return Finding(Kind.RECEIPT_INVALID, message, session=row.uuid, user=row.name)


def overdue(connection: Connection, now: int) -> list[Finding]:
    """Sessions to which nothing was added for a long time and that are not complete."""
    newest = (
        select(func.max(chunks.c.created_at))
        .where(chunks.c.session == sessions.c.id)
        .scalar_subquery()
    )
    last = func.coalesce(newest, sessions.c.created_at)
    rows = connection.execute(
        select(sessions.c.uuid, users.c.name, last.label("last"))
        .join(users, users.c.id == sessions.c.owner)
        .where(sessions.c.status.in_(_UNFINISHED), last < now - PATIENCE_MS)
        .order_by(sessions.c.id)
    )
    return [_overdue(row, now) for row in rows]


def _overdue(row: Any, now: int) -> Finding:
    days = (now - row.last) // 86_400_000
    message = f"Session {row.uuid} of {row.name} has been incomplete for {days} days."
    return Finding(Kind.SESSION_INCOMPLETE, message, session=row.uuid, user=row.name)


def waiting_deletions(connection: Connection) -> list[Finding]:
    """Deletions whose bytes are still to be freed."""
    waiting = connection.execute(
        select(func.count(jobs.c.id)).where(jobs.c.kind.in_(_DELETIONS))
    ).scalar_one()
    if not waiting:
        return []
    message = f"{waiting} deletions are not finished; the next start of the server does it."
    return [Finding(Kind.DELETION_WAITING, message)]


def known_segments(connection: Connection) -> set[int]:
    """The segments that the rows speak of."""
    return {
        *connection.execute(select(segments.c.number)).scalars(),
        *connection.execute(
            select(chunks.c.segment).where(chunks.c.segment > 0).distinct()
        ).scalars(),
    }
