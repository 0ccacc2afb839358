"""Somebody who records all the while, chunk after chunk, and must get every ack."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from scribe_server.tasks import Tasks
from tests.faults.attacks.target import Target
from tests.parts.raw_client import RawClient
from tests.parts.rest import rest

CHUNK_BYTES = 20_000
PAUSE_S = 0.02
LONGEST_WAIT_S = 30


@dataclass
class GoodClient:
    """What it got: the seconds that each ack took."""

    session: str
    acks_s: list[float] = field(default_factory=list)


@asynccontextmanager
async def recording(target: Target) -> AsyncIterator[GoodClient]:
    """Deliver before, during and after; then the server must have everything, byte for byte.

    Raises:
        AssertionError: a chunk was not acked, or is not there.
    """
    client = GoodClient(str(uuid.uuid4()))
    sent: list[bytes] = []
    ended = asyncio.Event()

    async def deliver(socket: RawClient) -> None:
        sent.append(os.urandom(CHUNK_BYTES))
        began = time.monotonic()
        async with asyncio.timeout(LONGEST_WAIT_S):
            ack = await socket.deliver(client.session, len(sent) - 1, sent[-1])
        assert ack["duplicate"] is False
        client.acks_s.append(time.monotonic() - began)

    async def go_on(socket: RawClient) -> None:
        while not ended.is_set():
            await deliver(socket)
            await asyncio.sleep(PAUSE_S)

    async with RawClient.connected(target.url, target.good) as socket:
        await socket.start(client.session)
        await deliver(socket)
        going_on = Tasks().spawn(go_on(socket), "good client")
        try:
            yield client
        finally:
            ended.set()
            await going_on
        await deliver(socket)
    await asyncio.to_thread(_compare, target, client.session, sent)


def _compare(target: Target, session: str, sent: list[bytes]) -> None:
    place = f"/api/sessions/{session}"
    missing = rest(target.url, f"{place}/missing-chunks", token=target.good).json
    assert (missing["missing"], missing["totalChunks"]) == ([], len(sent))
    for sequence in {0, len(sent) // 2, len(sent) - 1}:
        body = rest(target.url, f"{place}/chunks/{sequence}", token=target.good).body
        assert body == sent[sequence]
