"""A client that knows nothing of backpressure floods a running server."""

import asyncio
import os
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.parts.raw_client import RawClient
from tests.parts.rest import rest
from tests.parts.server import ServerProcess

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

CHUNK_BYTES = 200_000
CHUNKS = 400


async def flood(server: ServerProcess, session: str, chunks: int) -> list[tuple[str, Any]]:
    """Send everything at once; all events until the last ack."""
    async with RawClient.connected(server.url, server.token) as client:
        await client.start(session)
        audio = os.urandom(CHUNK_BYTES)

        async def send() -> None:
            for sequence in range(chunks):
                await client.send_chunk(session, sequence, audio)

        events: list[tuple[str, Any]] = []
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            group.create_task(send())
            while sum(name in {"chunk-ack", "chunk-error"} for name, _ in events) < chunks:
                event = await client.receive()
                assert event is not None
                events.append(event)
        return events


def test_a_flood_is_held_back_in_the_network_and_nothing_is_refused(tmp_path: Path) -> None:
    session = str(uuid.uuid4())
    flags = ("--max-queue-size", "4", "--max-unstored-bytes", "2M")
    with ServerProcess(tmp_path / "data", extra_args=flags) as server:
        asyncio.run(flood(server, str(uuid.uuid4()), 20))
        process = psutil.Process(server.pid)
        before = process.memory_info().rss
        events = asyncio.run(flood(server, session, CHUNKS))
        grown = process.memory_info().rss - before
        print(f"{CHUNKS * CHUNK_BYTES} bytes moved the server's memory by {grown}")
        names = [name for name, _ in events]
        assert names.count("chunk-ack") == CHUNKS
        assert "chunk-error" not in names
        told = [payload["canAccept"] for name, payload in events if name == "backpressure"]
        assert False in told
        assert told[-1] is True
        assert {p["window"] for name, p in events if name == "chunk-ack"} <= {1, 2, 3, 4}
        assert grown < CHUNKS * CHUNK_BYTES / 4
        missing = rest(server.url, f"/api/sessions/{session}/missing-chunks", token=server.token)
        assert (missing.json["missing"], missing.json["totalChunks"]) == ([], CHUNKS)


def test_many_floods_share_the_memory_and_a_modest_client_is_served_beside_them(
    tmp_path: Path,
) -> None:
    async def scenario(server: ServerProcess) -> None:
        session = str(uuid.uuid4())
        async with asyncio.TaskGroup() as group:
            floods = [group.create_task(flood(server, str(uuid.uuid4()), 30)) for _ in range(6)]
            async with RawClient.connected(server.url, server.token) as modest:
                await modest.start(session)
                for sequence in range(5):
                    await modest.deliver(session, sequence, b"quiet")
        for events in floods:
            assert "chunk-error" not in [name for name, _ in events.result()]

    with ServerProcess(tmp_path / "data", extra_args=("--max-unstored-bytes", "1M")) as server:
        asyncio.run(scenario(server))
        ready = rest(server.url, "/readyz").json
        assert (ready["unstoredChunks"], ready["unstoredBytes"]) == (0, 0)


async def send_without_reading(client: RawClient) -> None:
    """Ask for ever; raises ConnectionError once the server has had enough."""
    async with asyncio.timeout(100):
        while True:
            await client.emit("start-session", {"sessionId": "x" * 90})


def test_a_client_that_never_reads_is_cut_and_others_go_on(tmp_path: Path) -> None:
    async def scenario(server: ServerProcess) -> None:
        session = str(uuid.uuid4())
        async with (
            RawClient.connected(server.url, server.token) as deaf,
            RawClient.connected(server.url, server.token) as good,
        ):
            with pytest.raises(ConnectionError):
                await send_without_reading(deaf)
            await good.start(session)
            await good.deliver(session, 0, b"still here")

    with ServerProcess(tmp_path / "data") as server:
        asyncio.run(scenario(server))
        assert "does not read" in server.log_text()
