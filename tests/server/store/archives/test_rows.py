import asyncio
from pathlib import Path

from sqlalchemy import Connection, insert, select

from scribe_server.store.archives import rows
from scribe_server.store.archives.rows import DROP_JOB, PUT_JOB
from scribe_server.store.schema import archives, sessions
from tests.parts.store import Served, served


def with_archive(server: Served, connection: Connection) -> int:
    session = connection.execute(select(sessions.c.id)).scalar_one()
    row = {"session": session, "key": "k.zip", "size": 1, "sha256": bytes(32), "created_at": 1}
    connection.execute(insert(archives).values(**row, audio=True))
    return int(session)


def test_a_forgotten_archive_leaves_a_job_that_names_its_key(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        with server.store.database.transaction() as connection:
            session = with_archive(server, connection)
            assert rows.is_wanted(connection, "k.zip")
            found = rows.archive_of(connection, session)
            assert found is not None
            assert rows.key_of(connection, found.id) == "k.zip"
            job = rows.forget_archive(connection, session, 5)
            assert rows.waiting_jobs(connection) == [job]
            assert not rows.is_wanted(connection, "k.zip")
            assert rows.archive_of(connection, session) is None
            assert rows.forget_archive(connection, session, 5) is None


def test_jobs_come_oldest_first(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.store.database.transaction() as connection:
        rows.add_job(connection, PUT_JOB, "a", 1)
        rows.add_job(connection, DROP_JOB, "b", 1)
        assert [(job.kind, job.key) for job in rows.waiting_jobs(connection)] == [
            (PUT_JOB, "a"),
            (DROP_JOB, "b"),
        ]
