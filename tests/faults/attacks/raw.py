"""Bytes on a TCP connection to a server: for what no client library would send."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, PING, PONG = 0, 1, 2, 9, 10
_HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class RawConnection:
    """One TCP connection."""

    def __init__(
        self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.host = host
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["RawConnection"]:
        """Connect, and let go of everything at the end."""
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            yield cls(place.netloc, reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):  # it may have been reset
                await writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Send bytes; waits while the server does not read.

        Raises:
            ConnectionError: the server has ended the connection.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def request(self, head: str, body: bytes = b"") -> bytes:
        """Send a request as it is written here; everything up to the end of the connection."""
        await self.send(head.format(host=self.host).encode("latin-1") + body)
        return await self.rest()

    async def upgrade(self, token: str | None = None) -> None:
        """Become a WebSocket, and a welcomed one with a token."""
        await self.send(_HANDSHAKE.format(host=self.host).encode())
        await self._reader.readuntil(b"\r\n\r\n")
        if token is not None:
            await self.send(frame(f"40{json.dumps({'token': token})}".encode()))
            await self._reader.readuntil(b"welcome")

    async def line(self) -> bytes:
        """The first line of what comes."""
        return await self._reader.readline()

    async def rest(self) -> bytes:
        """What comes until the server ends the connection."""
        found = b""
        with contextlib.suppress(ConnectionError):  # a reset is an end, too
            while part := await self._reader.read(1 << 16):
                found += part
        return found


def frame(
    payload: bytes, *, kind: int = TEXT, announced: int | None = None, last: bool = True
) -> bytes:
    """A client's WebSocket frame (RFC 6455, 5.2), which may announce more than comes.

    The mask is of zeros, which changes nothing.
    """
    length = len(payload) if announced is None else announced
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 1 << 16:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return bytes([0x80 * last | kind]) + size + bytes(4) + payload
