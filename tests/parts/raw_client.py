"""A Socket.IO client that speaks packets over a raw WebSocket, so it can talk nonsense."""

import asyncio
import contextlib
import hashlib
import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp


class RawClient:
    """One WebSocket. Events that were not asked for wait in `events`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.events: list[tuple[str, Any]] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """A connection on which nothing was said yet."""
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"{url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0
            ) as socket,
        ):
            raw = socket.get_extra_info("socket")
            yield cls(socket)
        await _freed(raw)

    @classmethod
    @asynccontextmanager
    async def connected(cls, url: str, token: str | None) -> AsyncIterator[Self]:
        """A connection that was welcomed."""
        async with cls.open(url) as client:
            await client.send("40" + json.dumps({"token": token}))
            await client.expect("welcome")
            yield client

    async def send(self, packet: str | bytes) -> None:
        """Send one frame."""
        if isinstance(packet, bytes):
            await self._socket.send_bytes(packet)
        else:
            await self._socket.send_str(packet)

    async def emit(self, event: str, payload: object) -> None:
        """Send one event without an attachment."""
        await self.send("42" + json.dumps([event, payload]))

    async def send_chunk(self, session: str, sequence: int, audio: bytes) -> None:
        """Send one audio-chunk as an original client does."""
        payload = {
            "sessionId": session,
            "sequence": sequence,
            "timestamp": 1,
            "size": len(audio),
            "mimeType": "audio/webm",
            "audio": {"_placeholder": True, "num": 0},
        }
        await self.send("451-" + json.dumps(["audio-chunk", payload]))
        await self.send(audio)

    async def receive(self) -> tuple[str, Any] | None:
        """The next event (`connect_error` is one too); None once the connection has ended."""
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                if message.data == "2":
                    await self._socket.send_str("3")
                elif message.data.startswith("42"):
                    name, payload = json.loads(message.data[2:])
                    return name, payload
                elif message.data.startswith("44"):
                    return "connect_error", json.loads(message.data[2:])
            elif message.type is not aiohttp.WSMsgType.BINARY:
                return None

    async def expect(self, *names: str, timeout_s: float = 30) -> Any:
        """The payload of the next event of one of these names; others are kept in `events`."""
        async with asyncio.timeout(timeout_s):
            while True:
                event = await self.receive()
                assert event is not None, f"closed while waiting for {names}"
                if event[0] in names:
                    return event[1]
                self.events.append(event)

    async def ended(self, timeout_s: float = 30) -> bool:
        """Wait until the server has closed the connection."""
        async with asyncio.timeout(timeout_s):
            while (event := await self.receive()) is not None:
                self.events.append(event)
        return True

    async def start(self, session: str) -> Any:
        """Start a session; the answer."""
        await self.emit("start-session", {"sessionId": session, "userId": None, "title": "Raw"})
        return await self.expect("session-started", "session-error")

    async def deliver(self, session: str, sequence: int, audio: bytes) -> Any:
        """Send one chunk; its ack, whose hash is the right one."""
        await self.send_chunk(session, sequence, audio)
        ack = await self.expect("chunk-ack", "chunk-error")
        assert ack.get("sha256") == hashlib.sha256(audio).hexdigest(), ack
        return ack


async def _freed(raw: Any) -> None:
    """Wait until the event loop has closed a socket, cutting what a server never read."""
    async with asyncio.timeout(5):
        while raw.fileno() >= 0:
            with contextlib.suppress(OSError):  # the server may have hung up already
                raw.shutdown(sockets.SHUT_RDWR)
            await asyncio.sleep(0.005)
