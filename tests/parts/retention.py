"""Retention over a server's store, with the days in the test's hand."""

import asyncio
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select, update

from scribe_server.auth import Owner
from scribe_server.protocol import SessionStatus
from scribe_server.retention.policy import DAY_MS, Rules
from scribe_server.retention.run import Outcome, Retention
from scribe_server.store.schema import archives, jobs, sessions
from tests.parts.store import SESSION, Served, audio_of, chunk_of, stop_of

RULES = Rules(7, 30, 0, ("faster-whisper",), cold_without_transcript=False)
COOLING = Rules(7, 30, 0, ("faster-whisper",), cold_without_transcript=True)
REMOVING = Rules(7, 30, 90, ("faster-whisper",), cold_without_transcript=True)


async def complete(server: Served, owner: Owner, count: int = 3, session: str = SESSION) -> None:
    """Record and stop a session, so that it has its receipt."""
    await server.record(owner, range(count), session)
    await server.ingest.stop_session(owner, stop_of(count, session))


async def run_after(server: Served, days: int, rules: Rules = RULES, **options: bool) -> Outcome:
    """Let days go by in which the machine is up, then run retention."""
    server.clock.now += days * DAY_MS
    uptime = server.clock.now - 1_700_000_000_000
    return await Retention(server.store, rules, lambda: uptime).run(**options)


def archived(server: Served, owner: Owner, count: int = 3, session: str = SESSION) -> None:
    """A session of so many chunks that has been archived."""

    async def scenario() -> None:
        await complete(server, owner, count, session)
        await run_after(server, 8)

    asyncio.run(scenario())
    assert status_of(server, session) is SessionStatus.ARCHIVED


def status_of(server: Served, session: str = SESSION) -> SessionStatus:
    with server.store.database.snapshot() as connection:
        found = select(sessions.c.status).where(sessions.c.uuid == session)
        return SessionStatus(connection.execute(found).scalar_one())


def archive_rows(server: Served) -> list[Mapping[str, Any]]:
    with server.store.database.snapshot() as connection:
        return list(connection.execute(select(archives)).mappings())


def job_kinds(server: Served) -> list[str]:
    with server.store.database.snapshot() as connection:
        return list(connection.execute(select(jobs.c.kind)).scalars())


def hold(server: Served, at: int | None = 1) -> None:
    with server.store.database.transaction() as connection:
        connection.execute(update(sessions).values(held_at=at))


def archive_paths(folder: Path) -> list[Path]:
    return sorted((folder / "archives").rglob("*.zip"))


def members_of(path: Path | BinaryIO) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def hot_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*.seg")))


def is_hot(folder: Path, sequence: int, session: str = SESSION) -> bool:
    return audio_of(sequence, session) in hot_bytes(folder)


async def read(server: Served, owner: Owner, sequence: int, session: str = SESSION) -> bytes | None:
    """A chunk as REST gives it."""
    part = await server.store.sessions.part(owner, session, sequence)
    return None if part is None else await server.store.sessions.read_part(part)


async def send_late(server: Served, owner: Owner, sequence: int) -> Any:
    return await server.send(owner, chunk_of(sequence))
