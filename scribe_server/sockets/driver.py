"""How engineio reaches aiohttp: its stock driver, minus compression and minus trust in clients."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import WSMsgType, web
from engineio import exceptions
from engineio.async_drivers import aiohttp as stock
from engineio.payload import Payload

from scribe_server.protocol import MAX_MESSAGE_BYTES
from scribe_server.sockets.packets import (
    MAX_POLLING_PACKETS,
    check_polling_body,
    is_text_frame,
)

BODY_TIMEOUT_S: Final = 60
MAX_POLLING_BODY: Final = MAX_MESSAGE_BYTES * 4 // 3 + 4096
"""A message in base64, and a few small packets beside it."""


class WebSocket:
    """One WebSocket: no compression (chunks are compressed audio already), frames checked.

    It remembers its TCP transport by Engine.IO id, because closing an Engine.IO socket leaves
    the connection open, and the first request's transport is another one after an upgrade.
    """

    def __init__(self, handler: Callable[["WebSocket"], Awaitable[None]], engine: Any) -> None:
        self._handler = handler
        self._engine = engine
        self._transport: asyncio.Transport | None = None
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE_BYTES)

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Serve the connection until it ends."""
        request: web.Request = environ["aiohttp.request"]
        sid = self._handler.__self__.sid  # type: ignore[attr-defined] # a bound method
        await self._socket.prepare(request)
        self._transport = self._engine.connections[sid] = request.transport
        try:
            await self._handler(self)
        finally:
            self._engine.connections.pop(sid, None)
        return self._socket

    async def close(self) -> None:
        """Close with the WebSocket handshake."""
        await self._socket.close()

    async def send(self, message: str | bytes) -> None:
        """Send one frame."""
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_str(message)

    async def wait(self) -> str | bytes:
        """The next frame; OSError (engineio's word for the end) when it is none of ours."""
        message = await self._socket.receive()
        if self._engine.draining.is_set():  # as if it had come too late
            await self._engine.closed.wait()
            raise OSError("the server is closing")
        if message.type is WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is not WSMsgType.TEXT:
            raise OSError("closed")
        if not is_text_frame(message.data):
            if self._transport is not None:  # a polite close would wait for its answer
                self._transport.abort()
            raise OSError("not an Engine.IO frame")
        return str(message.data)


class _Body:
    """A request's body, read whole: engineio's own read() comes back short with big ones."""

    def __init__(self, request: web.Request) -> None:
        self._request = request

    async def read(self, length: int) -> bytes:
        """The body, checked.

        Raises:
            EngineIOError: when it does not come, or is not a payload; ends the socket.
        """
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await self._request.content.readexactly(length)
            check_polling_body(body)
        except (TimeoutError, asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise exceptions.EngineIOError("unusable request body") from error
        return body


def translate_request(request: web.Request) -> dict[str, Any]:
    """The stock translation with a body that is read whole."""
    environ: dict[str, Any] = stock.translate_request(request)
    environ["wsgi.input"] = _Body(request)
    return environ


Payload.max_decode_packets = MAX_POLLING_PACKETS

DRIVER: Final[dict[str, Any]] = {
    **stock._async,  # noqa: SLF001 - engineio's own name for what a driver exports
    "translate_request": translate_request,
    "websocket": WebSocket,
}
