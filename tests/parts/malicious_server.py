"""Servers that mean no good: one that speaks Socket.IO, and one that sends without end."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import socketio
from aiohttp import web

SERVER_ID = "malicious"
GIB = 1 << 30

Answer = Callable[["MaliciousServer", str, str, Any], list[tuple[str, Any]]]


class MaliciousServer:
    """Welcomes everybody and then answers as a test says."""

    def __init__(self, answer: Answer, **welcome: Any) -> None:
        self.origin = ""
        self.received: list[tuple[str, Any]] = []
        self.connects = 0
        self.before_welcome: list[tuple[str, Any]] = []
        self._answer = answer
        self._welcome = {
            "protocol": 1, "serverId": SERVER_ID, "serverTime": 0, "userId": "u",
            "canAccept": True, "window": 4,
            "limits": {"maxChunkBytes": 1_000_000, "chunkMs": 30_000, "quotaBytesLeft": None},
            **welcome,
        }  # fmt: skip
        self.sio = socketio.AsyncServer(async_mode="aiohttp", max_http_buffer_size=20_000_000)
        self.sio.on("connect", self._connect)
        self.sio.on("*", self._event)

    def count(self, name: str) -> int:
        """How many events of a name came in."""
        return sum(event == name for event, _ in self.received)

    async def say(self, *events: tuple[str, Any]) -> None:
        """Say something to everybody, unasked."""
        for name, data in events:
            await self.sio.emit(name, data)

    async def _connect(self, sid: str, _environ: Any, _auth: Any) -> None:
        self.connects += 1
        for name, data in [*self.before_welcome, ("welcome", self._welcome)]:
            await self.sio.emit(name, data, to=sid)

    async def _event(self, name: str, sid: str, data: Any) -> None:
        self.received.append((name, data))
        for event, answer in self._answer(self, name, sid, data):
            await self.sio.emit(event, answer, to=sid)


@asynccontextmanager
async def malicious_server(answer: Answer, **welcome: Any) -> AsyncIterator[MaliciousServer]:
    """A running one on loopback."""
    server = MaliciousServer(answer, **welcome)
    application = web.Application()
    server.sio.attach(application)
    runner = web.AppRunner(application, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await server.sio.shutdown()
        await runner.cleanup()


class EndlessServer:
    """Announces one gibibyte and sends it; `sent` says how much was taken from it.

    Over WebSocket (RFC 6455, section 5.2) in one frame, over HTTP in one body.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.origin = ""
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def close(self) -> None:
        """Drop every connection."""
        for writer in self._serving.values():
            writer.transport.abort()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving[task] = writer
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
            key = next((v for k, v in fields.items() if k.lower() == "sec-websocket-key"), "")
            writer.write(_upgrade(key) if key else _HTTP)
            block = b"a" * (1 << 16)
            while self.sent < GIB:
                writer.write(block)
                await writer.drain()
                self.sent += len(block)
        writer.close()


@asynccontextmanager
async def endless_server() -> AsyncIterator[EndlessServer]:
    """A running one on loopback."""
    server = EndlessServer()
    listening = await asyncio.start_server(server._serve, "127.0.0.1", 0)
    server.origin = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        await server.close()


_HTTP = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {GIB}\r\n\r\n".encode(
    "ascii"
)


def _upgrade(key: str) -> bytes:
    magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
    accept = base64.b64encode(hashlib.sha1((key + magic).encode()).digest()).decode()  # noqa: S324
    head = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    hello = b'0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
    return head.encode() + bytes([0x81, len(hello)]) + hello + b"\x81\x7f" + GIB.to_bytes(8, "big")
