"""The rows of archives, and the jobs that keep the place free of what no row names.

Before an object is put, a job names it; the transaction that gives it a row ends the job. So what
a crash left is found by its job. Objects that are not wanted any more go the same way: the job is
committed with what makes them so, and ends when they are gone.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select

from scribe_server.store.schema import archives, jobs

PUT_JOB: Final = "archive-put"
"""A job whose payload is the JSON string of a key that is being written."""
DROP_JOB: Final = "archive-drop"
"""A job whose payload is the JSON string of a key that is to be removed."""

OF_SESSION: Final[Select[Any]] = select(archives).where(archives.c.session == bindparam("session"))
KEY_OF: Final[Select[Any]] = select(archives.c.key).where(archives.c.id == bindparam("archive"))
WITH_KEY: Final[Select[Any]] = select(archives.c.id).where(archives.c.key == bindparam("key"))

_key = msgspec.json.Decoder(str)


@dataclass(frozen=True, slots=True)
class ArchiveJob:
    """A key that a job names."""

    job: int
    kind: str
    key: str


def archive_of(connection: Connection, session: int) -> Row[Any] | None:
    """A session's archive, all its columns."""
    return connection.execute(OF_SESSION, {"session": session}).one_or_none()


def key_of(connection: Connection, archive: int) -> str | None:
    """The key of an archive by its id."""
    return connection.execute(KEY_OF, {"archive": archive}).scalar_one_or_none()


def add_job(connection: Connection, kind: str, key: str, now: int) -> int:
    """Note that a key is being written or to be removed; gives the job."""
    row = {"kind": kind, "payload": msgspec.json.encode(key), "created_at": now, "attempts": 0}
    return int(connection.execute(insert(jobs).values(row).returning(jobs.c.id)).scalar_one())


def waiting_jobs(connection: Connection) -> list[ArchiveJob]:
    """The jobs about archives, oldest first."""
    rows = connection.execute(
        select(jobs.c.id, jobs.c.kind, jobs.c.payload)
        .where(jobs.c.kind.in_((PUT_JOB, DROP_JOB)))
        .order_by(jobs.c.id)
    )
    return [ArchiveJob(row.id, row.kind, _key.decode(row.payload)) for row in rows]


def is_wanted(connection: Connection, key: str) -> bool:
    """Whether some archive's row names the key."""
    return connection.execute(WITH_KEY, {"key": key}).first() is not None


def forget_archive(connection: Connection, session: int, now: int) -> ArchiveJob | None:
    """Remove a session's archive row; gives the job that is to remove the object, if any."""
    row = archive_of(connection, session)
    if row is None:
        return None
    connection.execute(delete(archives).where(archives.c.id == row.id))
    return ArchiveJob(add_job(connection, DROP_JOB, row.key, now), DROP_JOB, row.key)
