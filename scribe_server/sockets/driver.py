"""How engineio reaches aiohttp: its stock driver, minus compression and minus trust in clients."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from aiohttp import web
from engineio.async_drivers import aiohttp as stock
from engineio.payload import Payload

from scribe_server.protocol import MAX_MESSAGE_BYTES
from scribe_server.sockets.connection import Connection
from scribe_server.sockets.packets import MAX_POLLING_PACKETS, check_polling_body
from scribe_server.sockets.websocket import WebSocket

BODY_TIMEOUT_S: Final = 60
MAX_POLLING_BODY: Final = MAX_MESSAGE_BYTES * 4 // 3 + 4096
"""A message in base64, and a few small packets beside it."""

_posted: Final[ContextVar[bytes]] = ContextVar("posted", default=b"")


class WebSocketDriver:
    """Makes the connection of one request a WebSocket and serves its Engine.IO socket over it.

    The TCP transport is remembered by Engine.IO id, because closing an Engine.IO socket leaves
    the connection open, and the first request's transport is another one after an upgrade.
    """

    def __init__(self, handler: Callable[[Any], Awaitable[None]], engine: Any) -> None:
        # engineio hands over its own loop, of which only the socket is wanted.
        self._socket = handler.__self__  # type: ignore[attr-defined] # a bound method
        self._engine = engine

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Serve the connection until it ends."""
        request: web.Request = environ["aiohttp.request"]
        inflow, arriving, sid = self._engine.inflow, request.protocol, self._socket.sid
        frames = WebSocket(self._engine, lambda: inflow.handed_over(arriving))
        response = await frames.prepare(request)
        inflow.watch(arriving, lambda: self._engine.owner(sid), frames.abort)
        self._engine.connections[sid] = request.transport
        try:
            await Connection(self._engine, self._socket, frames).serve()
        finally:
            self._engine.connections.pop(sid, None)
            inflow.forget(arriving)
        return response


async def read_body(request: web.Request) -> bytes:
    """A request's body, read whole: engineio's own read() comes back short with big ones.

    Raises:
        OSError, ValueError, EOFError: it does not come, or is no payload.
    """
    assert request.content_length is not None
    async with asyncio.timeout(BODY_TIMEOUT_S):
        body = await request.content.readexactly(request.content_length)
    check_polling_body(body)
    return body


@contextmanager
def posted(body: bytes) -> Iterator[None]:
    """Let engineio find a body in the request that this task serves."""
    before = _posted.set(body)
    try:
        yield
    finally:
        _posted.reset(before)


class _Body:
    """A body that was read before, in the words of WSGI."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self, length: int) -> bytes:
        """Up to so many bytes."""
        return self._body[:length]


def translate_request(request: web.Request) -> dict[str, Any]:
    """The stock translation with a body that was read whole."""
    environ: dict[str, Any] = stock.translate_request(request)
    environ["wsgi.input"] = _Body(_posted.get())
    return environ


Payload.max_decode_packets = MAX_POLLING_PACKETS

DRIVER: Final[dict[str, Any]] = {
    **stock._async,  # noqa: SLF001 - engineio's own name for what a driver exports
    "translate_request": translate_request,
    "websocket": WebSocketDriver,
}
