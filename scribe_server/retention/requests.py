"""Asking a running server for a run: a command cannot do it, as the folder is the server's."""

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select

from scribe_server.store.schema import jobs

RUN_JOB: Final = "retention-run"


class RunRequest(msgspec.Struct, frozen=True, rename="camel"):
    """What a person asks for."""

    clock_is_right: bool = False


_request = msgspec.json.Decoder(RunRequest)


def ask(connection: Connection, request: RunRequest, now: int) -> int:
    """Leave a request for the server; gives its number."""
    row = {
        "kind": RUN_JOB,
        "payload": msgspec.json.encode(request),
        "created_at": now,
        "attempts": 0,
    }
    return int(connection.execute(insert(jobs).values(row).returning(jobs.c.id)).scalar_one())


def is_waiting(connection: Connection, number: int) -> bool:
    """Whether a request was not taken yet."""
    return connection.execute(select(jobs.c.id).where(jobs.c.id == number)).first() is not None


def withdraw(connection: Connection, numbers: Iterable[int]) -> None:
    """Forget requests: they were met, or nobody waits any more."""
    connection.execute(delete(jobs).where(jobs.c.id.in_(list(numbers))))


def waiting(connection: Connection) -> dict[int, RunRequest]:
    """All requests that were not taken yet, by number."""
    rows = connection.execute(
        select(jobs.c.id, jobs.c.payload).where(jobs.c.kind == RUN_JOB).order_by(jobs.c.id)
    )
    return {row.id: _request.decode(row.payload) for row in rows}
