"""Clients that send without looking at what they are answered, in a process of their own."""

import asyncio
import multiprocessing
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from scribe_server.tasks import Tasks
from tests.parts.raw_client import RawClient

CLIENTS = 24
DEAF = 4
"""Of so many clients one never reads."""
CHUNK_BYTES = 400_000
_AGAIN_S = 0.05


class Hammer:
    """So many clients that send as fast as they are read, and come again when thrown out.

    Args:
        url: of the server.
        token: whose sessions they fill.
    """

    def __init__(self, url: str, token: str) -> None:
        context = multiprocessing.get_context("fork")
        self._url, self._token = url, token
        self._sent = context.Value("q", 0)
        self._audio = b"\x1a\x45\xdf\xa3" + os.urandom(CHUNK_BYTES)
        self._process = context.Process(target=self._work)

    @property
    def sent(self) -> int:
        """Bytes of audio by now."""
        return int(self._sent.value)

    def start(self) -> None:
        """Begin."""
        self._process.start()

    def stop(self) -> None:
        """SIGKILL: the connections end where they are."""
        self._process.kill()
        self._process.join()

    def _work(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        tasks = Tasks()
        for number in range(CLIENTS):
            tasks.spawn(self._one(deaf=number % DEAF == 0), f"client {number}")
        await asyncio.Event().wait()

    async def _one(self, *, deaf: bool) -> None:
        while True:
            with suppress(OSError, AssertionError, TimeoutError, ExceptionGroup):  # thrown out
                await self._send(deaf=deaf)
            await asyncio.sleep(_AGAIN_S)

    async def _send(self, *, deaf: bool) -> None:
        async with RawClient.connected(self._url, self._token) as client:
            session = str(uuid.uuid4())
            await client.start(session)
            async with asyncio.TaskGroup() as group:
                if not deaf:
                    group.create_task(client.ended(timeout_s=600))
                for sequence in range(10_000):
                    await client.send_chunk(session, sequence, self._audio)
                    self._sent.value += CHUNK_BYTES
                    client.events.clear()


@contextmanager
def hammering(url: str, token: str) -> Iterator[Hammer]:
    """Hammer a server meanwhile."""
    hammer = Hammer(url, token)
    hammer.start()
    try:
        yield hammer
    finally:
        hammer.stop()
