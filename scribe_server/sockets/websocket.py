"""aiohttp's WebSocket of one connection, in the words that engineio and the outbox use."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import WSMessage, WSMsgType, web

from scribe_server.protocol import MAX_MESSAGE_BYTES

_FRAMES: Final = {WSMsgType.TEXT, WSMsgType.BINARY}


class Ending(Protocol):
    """When a server ends: nothing is read from `draining` on, all is closed at `closed`."""

    draining: asyncio.Event
    closed: asyncio.Event


class WebSocket:
    """One WebSocket without compression: chunks are compressed audio already."""

    def __init__(self, ending: Ending, arrived: Callable[[], None] = lambda: None) -> None:
        """`arrived` is called for each frame that has come whole."""
        self._ending = ending
        self._arrived = arrived
        self._socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE_BYTES)
        self._transport: asyncio.Transport | None = None

    async def prepare(self, request: web.Request) -> web.WebSocketResponse:
        """Answer the request with the handshake."""
        await self._socket.prepare(request)
        self._transport = request.transport
        return self._socket

    async def receive(self) -> WSMessage:
        """The next frame, text or binary; OSError at the end of the connection."""
        message = await self._socket.receive()
        self._arrived()
        if self._ending.draining.is_set():  # as if it had come too late
            await self._ending.closed.wait()
            raise OSError("the server is closing")
        if message.type not in _FRAMES:
            raise OSError("closed")
        return message

    async def send(self, message: str | bytes) -> None:
        """Send one frame; OSError when the connection has ended."""
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_str(message)

    async def close(self) -> None:
        """Close with the WebSocket handshake."""
        await self._socket.close()

    def unsent(self) -> int:
        """Bytes that the operating system has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Drop the TCP connection at once."""
        if self._transport is not None:
            self._transport.abort()
