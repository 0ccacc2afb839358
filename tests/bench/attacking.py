"""The attacker, a process of its own: everything in the corpus against one server, again and again.

`python -m tests.bench.attacking URL TOKEN` prints a line when it has begun, goes on until its stdin
ends, and prints what it did.
"""

import asyncio
import contextlib
import itertools
import json
import random
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from subprocess import PIPE, Popen
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import msgspec

from tests.faults.attacks.hostile import (
    FALSE_TOKENS,
    PACKETS,
    PLACEHOLDER,
    SEQUENCES,
    SESSION_IDS,
    random_frame,
)
from tests.parts.processes import REPOSITORY
from tests.parts.raw_client import RawClient

WORKERS = 4
SILENT = 50
SLOW_HEADERS = 5
LOST = (ConnectionError, aiohttp.ClientError, AssertionError, TimeoutError)
"""How a connection that the server ends looks from here."""


class Done(msgspec.Struct):
    """How often each kind of attack was made."""

    packets: int = 0
    fields: int = 0
    frames: int = 0
    tokens: int = 0
    silent: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.packets + self.fields + self.frames + self.tokens + self.silent


class Attacks:
    """The attacks on one server."""

    def __init__(self, url: str, token: str, seed: int = 1) -> None:
        self.done = Done()
        self._url = url
        self._token = token
        self._rng = random.Random(seed)
        self._packets = itertools.cycle(PACKETS.values())
        self._tokens = itertools.cycle(FALSE_TOKENS)

    async def malformed(self) -> None:
        """Send one packet that is none."""
        packets = next(self._packets)
        async with RawClient.connected(self._url, self._token) as bad:
            self.done.packets += 1
            for packet in packets:
                await bad.send(packet)
            await bad.ended()

    async def wrong_fields(self) -> None:
        """Send everything that has the wrong type, is too long or too large."""
        async with RawClient.connected(self._url, self._token) as bad:
            for wrong in SESSION_IDS:
                self.done.fields += 1
                await bad.emit("start-session", {"sessionId": wrong})
                await bad.expect("session-error")
            for wrong in SEQUENCES:
                self.done.fields += 1
                payload = json.dumps({"sessionId": str(uuid.uuid4()), "sequence": wrong})
                await bad.send(f'451-["audio-chunk",{payload[:-1]},"audio":{PLACEHOLDER}}}]')
                await bad.send(b"x")
                await bad.expect("chunk-error", "session-error")

    async def random_frames(self) -> None:
        """Send noise and leave."""
        async with RawClient.connected(self._url, self._token) as bad:
            for _ in range(5):
                self.done.frames += 1
                await bad.send(random_frame(self._rng))

    async def wrong_token(self) -> None:
        """Try to get in."""
        async with RawClient.open(self._url) as bad:
            self.done.tokens += 1
            await bad.send("40" + json.dumps({"token": next(self._tokens)}))
            await bad.expect("connect_error")

    async def say_nothing(self) -> None:
        """Hold a connection until the server ends it."""
        async with RawClient.open(self._url) as bad:
            self.done.silent += 1
            await bad.ended(timeout_s=60)

    async def never_end_the_headers(self) -> None:
        """Hold a connection in the middle of a request."""
        place = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        self.done.silent += 1
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            await reader.read()
        finally:
            writer.close()

    async def run(self) -> None:
        """All of it at the same time, until cancelled."""
        quick = (self.malformed, self.wrong_fields, self.random_frames, self.wrong_token)
        async with asyncio.TaskGroup() as group:
            for first in range(WORKERS):
                group.create_task(self._again((*quick[first:], *quick[:first])))
            for _ in range(SILENT):
                group.create_task(self._again((self.say_nothing,)))
            for _ in range(SLOW_HEADERS):
                group.create_task(self._again((self.never_end_the_headers,)))

    async def _again(self, attacks: Sequence[Callable[[], Awaitable[None]]]) -> None:
        for attack in itertools.cycle(attacks):
            with contextlib.suppress(*LOST):
                await attack()
            await asyncio.sleep(0)


async def attack(url: str, token: str) -> Done:
    """Attack until stdin ends; what was done."""
    attacks = Attacks(url, token)
    running = asyncio.get_running_loop().create_task(attacks.run())
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    running.cancel()
    await asyncio.wait([running])
    return attacks.done


class Attacker:
    """The attacker's process; leaving the context ends it, and `done` says what it did.

    Attributes:
        done: what it did.
        seconds: for how long.
    """

    def __init__(self, url: str, token: str) -> None:
        self.done = Done()
        self.seconds = 0.0
        self._began = 0.0
        self._process = Popen(
            [sys.executable, "-m", "tests.bench.attacking", url, token],
            stdin=PIPE, stdout=PIPE, cwd=REPOSITORY,
        )  # fmt: skip

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began
        said, _ = self._process.communicate(timeout=60)
        self.done = msgspec.json.decode(said, type=Done)


if __name__ == "__main__":
    print(msgspec.json.encode(asyncio.run(attack(*sys.argv[1:]))).decode(), flush=True)
