"""A small Socket.IO server on loopback, in the test's own loop, for what only sockets can show."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import socketio
from aiohttp import web


class SocketIoServer:
    """Says hello, keeps what it gets, and can refuse, redirect or fall silent."""

    def __init__(self) -> None:
        self.sio = socketio.AsyncServer(
            async_mode="aiohttp", max_http_buffer_size=20_000_000, ping_interval=300
        )
        self.origin = ""
        self.auths: list[Any] = []
        self.received: list[tuple[str, Any]] = []
        self.got_one = asyncio.Event()
        self.refusal: dict[str, str] | None = None
        self.sids: list[str] = []
        self.on_upgrade: Callable[[web.Request], None] = lambda _: None
        self.sio.on("connect", self._connect)
        self.sio.on("*", self._event)

    async def _connect(self, sid: str, _environ: Any, auth: Any) -> None:
        self.auths.append(auth)
        if self.refusal is not None:
            raise socketio.exceptions.ConnectionRefusedError("no", self.refusal)
        self.sids.append(sid)
        await self.sio.emit("welcome", {"hello": sid}, to=sid)

    async def _event(self, name: str, _sid: str, data: Any) -> None:
        self.received.append((name, data))
        self.got_one.set()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.on_upgrade(request)
        answer: web.StreamResponse = await handler(request)
        return answer


@asynccontextmanager
async def socketio_server() -> AsyncIterator[SocketIoServer]:
    """A running server; its port is free and its own."""
    server = SocketIoServer()
    application = web.Application(middlewares=[server._middleware])
    server.sio.attach(application)
    runner = web.AppRunner(application, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.origin = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await server.sio.shutdown()
        await runner.cleanup()
