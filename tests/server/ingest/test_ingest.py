"""The rest of Ingest is told in tests/server/test_ingest.py; here: what only storage can refuse."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from scribe_server.protocol import (
    ErrorCode,
    PauseSession,
    SessionError,
    SyncCheck,
    SyncCheckSession,
)
from scribe_server.store import StorageFailedError
from tests.parts.store import SESSION, Served, chunk_of, served


def lose_tables(server: Served) -> None:
    with server.store.database.transaction() as connection:
        for table in ("chunks", "sessions"):
            connection.execute(text(f"ALTER TABLE {table} RENAME TO lost_{table}"))


@pytest.mark.logs_errors
def test_a_database_that_fails_refuses_everything_in_words(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[object]:
        owner, ingest = server.owner(), server.ingest
        lose_tables(server)
        return [
            await server.start(owner),
            await server.send(owner, chunk_of(0)),
            await ingest.pause_session(owner, PauseSession(SESSION)),
        ]

    with served(tmp_path) as server:
        answers = asyncio.run(scenario(server))
        codes = [getattr(answer, "code", None) for answer in answers]
        assert codes == [ErrorCode.STORAGE_FAILED] * 3
        assert isinstance(answers[0], SessionError)
        assert asyncio.run(server.ingest.recording_device(server.owner(), SESSION)) is None
        asked = SyncCheck([SyncCheckSession(SESSION, [], "0" * 64)])
        with pytest.raises(StorageFailedError):
            asyncio.run(server.ingest.sync_check(server.owner(), asked))
