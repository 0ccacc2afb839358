"""The rows of what retention did, and of what it could not do."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from scribe_server.retention.policy import Step
from scribe_server.store.schema import (
    archives,
    retention_problems,
    retention_runs,
    sessions,
    users,
)

_LONGEST_REASON: Final = 1000
NEWEST_RUN: Final[Select[Any]] = (
    select(retention_runs).order_by(retention_runs.c.id.desc()).limit(1)
)
LAST_GOOD_RUN: Final[Select[Any]] = (
    select(retention_runs.c.started_at)
    .where(retention_runs.c.refused.is_(None), retention_runs.c.ended_at.is_not(None))
    .order_by(retention_runs.c.id.desc())
    .limit(1)
)
PROBLEMS: Final[Select[Any]] = (
    select(retention_problems, sessions.c.uuid, users.c.name.label("user"))
    .join(sessions, sessions.c.id == retention_problems.c.session)
    .join(users, users.c.id == sessions.c.owner)
    .order_by(retention_problems.c.session)
)
IN_STATUS: Final[Select[Any]] = select(func.count(sessions.c.id)).where(
    sessions.c.status == bindparam("status")
)
IN_ARCHIVES: Final[Select[Any]] = select(
    func.count(archives.c.id), func.coalesce(func.sum(archives.c.size), 0)
)


@dataclass(slots=True)
class Counts:
    """What a run did, in sessions; `bytes` are those of the archives it made."""

    archived: int = 0
    cooled: int = 0
    removed: int = 0
    blocked: int = 0
    failed: int = 0
    bytes: int = 0


def begin_run(connection: Connection, now: int, uptime: int, refused: str | None) -> int:
    """Note that a run begins, or why it does not; gives the run."""
    row = {"started_at": now, "uptime": uptime, "refused": refused, **asdict(Counts())}
    if refused is not None:
        row["ended_at"] = now
    made = connection.execute(insert(retention_runs).values(row).returning(retention_runs.c.id))
    return int(made.scalar_one())


def end_run(connection: Connection, run: int, now: int, counts: Counts) -> None:
    """Note what a run did."""
    connection.execute(
        update(retention_runs)
        .where(retention_runs.c.id == run)
        .values(ended_at=now, **asdict(counts))
    )


def newest_run(connection: Connection) -> Row[Any] | None:
    """The run that began last, all its columns."""
    return connection.execute(NEWEST_RUN).one_or_none()


def last_good_run(connection: Connection) -> int | None:
    """When the last run began that was neither refused nor cut off."""
    return connection.execute(LAST_GOOD_RUN).scalar_one_or_none()


def note_problem(connection: Connection, session: int, step: Step, reason: str, now: int) -> None:
    """Keep why a session could not be moved, unless it was deleted meanwhile."""
    there = select(sessions.c.id).where(sessions.c.id == session)
    if connection.execute(there).first() is None:
        return
    row = {"session": session, "step": step.value, "reason": reason[:_LONGEST_REASON], "at": now}
    new = upsert(retention_problems).values(**row, attempts=1)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["session"],
            set_={
                "step": new.excluded.step,
                "reason": new.excluded.reason,
                "at": new.excluded.at,
                "attempts": retention_problems.c.attempts + 1,
            },
        )
    )


def problems(connection: Connection) -> Sequence[Row[Any]]:
    """Sessions that could not be moved, with uuid and user."""
    return connection.execute(PROBLEMS).all()


def set_hold(connection: Connection, user: str, uuid: str, held_at: int | None) -> bool:
    """Put a user's session under a legal hold since a time, or end it; False when there is none."""
    owner = select(users.c.id).where(users.c.name == user).scalar_subquery()
    changed = connection.execute(
        update(sessions)
        .where(sessions.c.owner == owner, sessions.c.uuid == uuid)
        .values(held_at=held_at)
    )
    return changed.rowcount == 1


def owner_of(connection: Connection, user: str) -> int | None:
    """A user's id."""
    return connection.execute(select(users.c.id).where(users.c.name == user)).scalar_one_or_none()
