"""The rest of Ingest is told in tests/server/test_ingest.py; here: what only storage can refuse."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from scribe_server.protocol import (
    MAX_SEQUENCE_JUMP,
    ChunkAck,
    ChunkError,
    ErrorCode,
    PauseSession,
    SessionError,
    SyncCheck,
    SyncCheckSession,
)
from scribe_server.store import StorageFailedError
from tests.parts.store import OTHER_SESSION, SESSION, Served, chunk_of, served


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


def test_a_chunk_is_taken_without_a_look_at_the_database_only_when_its_session_is_in_memory(
    tmp_path: Path,
) -> None:
    async def scenario(server: Served) -> None:
        owner = server.owner()
        await server.start(owner)
        told: asyncio.Queue[ChunkAck | ChunkError] = asyncio.Queue()
        ingest, tell = server.ingest, told.put_nowait
        assert not ingest.take(owner, chunk_of(0, OTHER_SESSION), tell, scribe_client=True)
        assert told.empty()
        assert ingest.take(owner, chunk_of(0), tell, scribe_client=True)
        assert told.empty(), "an answer before the chunk can be durable"
        assert isinstance(await asyncio.wait_for(told.get(), 10), ChunkAck)
        jumping = msgspec.structs.replace(chunk_of(1), sequence=MAX_SEQUENCE_JUMP + 1)
        assert ingest.take(owner, jumping, tell, scribe_client=True)
        answer = told.get_nowait()
        assert isinstance(answer, ChunkError)
        assert answer.code is ErrorCode.INVALID_PAYLOAD

    with served(tmp_path) as server:
        asyncio.run(scenario(server))
