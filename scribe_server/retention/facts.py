"""What the books know about the sessions that may be due, for the policy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, func, select

from scribe_server.protocol import SessionStatus
from scribe_server.retention.clock import Mark
from scribe_server.retention.policy import DAY_MS, Facts, Rules, is_transcribed
from scribe_server.retention.transcripts import finished_engines
from scribe_server.store.schema import (
    archives,
    chunks,
    receipts,
    retention_runs,
    sessions,
    users,
)

_COLUMNS: Final = (
    sessions.c.id,
    sessions.c.uuid,
    sessions.c.owner,
    sessions.c.status,
    sessions.c.stopped_at,
    sessions.c.restored_at,
    sessions.c.held_at,
    users.c.name.label("user"),
    archives.c.created_at.label("archived_at"),
)
_WITH_ARCHIVE: Final = (
    select(*_COLUMNS)
    .join(users, users.c.id == sessions.c.owner)
    .join(archives, archives.c.session == sessions.c.id, isouter=True)
)
HOT: Final[Select[Any]] = _WITH_ARCHIVE.where(
    sessions.c.status == SessionStatus.COMPLETE.value, sessions.c.stopped_at <= bindparam("before")
).order_by(sessions.c.stopped_at)
"""Complete sessions that ended before a time, oldest first."""
MOVED: Final[Select[Any]] = _WITH_ARCHIVE.where(
    sessions.c.status == bindparam("status"), archives.c.created_at <= bindparam("before")
).order_by(sessions.c.stopped_at)
"""Archived or cold sessions whose archive was made before a time."""
ONE: Final[Select[Any]] = _WITH_ARCHIVE.where(sessions.c.id == bindparam("session"))
NEWEST_CHUNK: Final[Select[Any]] = select(func.max(chunks.c.created_at)).where(
    chunks.c.session == bindparam("session")
)
NEWEST_RECEIPT: Final[Select[Any]] = select(func.max(receipts.c.created_at)).where(
    receipts.c.session == bindparam("session")
)
SEQUENCES: Final[Select[Any]] = select(chunks.c.sequence).where(
    chunks.c.session == bindparam("session")
)
LAST_RUN: Final[Select[Any]] = (
    select(retention_runs.c.id, retention_runs.c.started_at, retention_runs.c.uptime)
    .where(retention_runs.c.refused.is_(None))
    .order_by(retention_runs.c.id.desc())
    .limit(1)
)
LATER_RUNS: Final[Select[Any]] = (
    select(retention_runs.c.started_at, retention_runs.c.uptime)
    .where(retention_runs.c.id > bindparam("run"))
    .order_by(retention_runs.c.id)
)
LAST_CHUNK: Final[Select[Any]] = select(chunks.c.created_at).order_by(chunks.c.id.desc()).limit(1)
LAST_SESSION: Final[Select[Any]] = (
    select(sessions.c.created_at).order_by(sessions.c.id.desc()).limit(1)
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session whose age lets it move, perhaps."""

    session: int
    uuid: str
    owner: int
    user: str
    facts: Facts


def candidates(connection: Connection, rules: Rules, now: int) -> Iterator[Candidate]:
    """All sessions that are old enough for something, to be decided about."""
    before = now - rules.retention_days * DAY_MS
    rows = list(connection.execute(HOT, {"before": before}))
    for status, days in (
        (SessionStatus.ARCHIVED, rules.warm_days),
        (SessionStatus.COLD, rules.cold_days),
    ):
        if days:
            asked = {"status": status.value, "before": now - days * DAY_MS}
            rows += connection.execute(MOVED, asked)
    for row in rows:
        yield _candidate(connection, row, rules)


def candidate(connection: Connection, session: int, rules: Rules) -> Candidate | None:
    """One session as it is now."""
    row = connection.execute(ONE, {"session": session}).one_or_none()
    return None if row is None else _candidate(connection, row, rules)


def _candidate(connection: Connection, row: Row[Any], rules: Rules) -> Candidate:
    status = SessionStatus(row.status)
    moved_at = row.restored_at if status is SessionStatus.COMPLETE else row.archived_at
    facts = Facts(
        status=status,
        completed_at=_completed_at(connection, row),
        moved_at=moved_at,
        held=row.held_at is not None,
        transcribed=_is_transcribed(connection, row, rules),
    )
    return Candidate(row.id, row.uuid, row.owner, row.user, facts)


def _completed_at(connection: Connection, row: Row[Any]) -> int:
    asked = {"session": row.id}
    times = [
        row.stopped_at,
        connection.execute(NEWEST_CHUNK, asked).scalar_one(),
        connection.execute(NEWEST_RECEIPT, asked).scalar_one(),
    ]
    return max((time for time in times if time is not None), default=0)


def _is_transcribed(connection: Connection, row: Row[Any], rules: Rules) -> bool:
    if row.status != SessionStatus.ARCHIVED:
        return False
    sequences = list(connection.execute(SEQUENCES, {"session": row.id}).scalars())
    return is_transcribed(sequences, finished_engines(connection, row.id), rules.cold_engines)


def marks(connection: Connection) -> list[Mark]:
    """The clock that was believed last, at a run that was not refused, and all looks since.

    Before the first such run it is the newest time in the books, for which no uptime vouches but
    the present one; none in books without any.
    """
    believed = connection.execute(LAST_RUN).one_or_none()
    if believed is not None:
        found, run = [Mark(believed.started_at, believed.uptime)], believed.id
    else:
        times = [connection.execute(asked).scalar() for asked in (LAST_CHUNK, LAST_SESSION)]
        newest = max((time for time in times if time is not None), default=None)
        found, run = [] if newest is None else [Mark(newest, 0)], 0
    later = connection.execute(LATER_RUNS, {"run": run})
    return [*found, *(Mark(row.started_at, row.uptime) for row in later)]
