"""A cable that can be cut: a TCP proxy on loopback between a client and a server."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
_CLOSE_WAIT = 8  # linux/tcp_states.h
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Network:
    """Forwards to a server's port until it is cut or turned into a black hole, and heals.

    - cut: every connection is reset, and each new one at once.
    - black hole: everything stays open and nothing gets through. Connections that the hole caught
      never deliver again, as after a lost NAT entry; ones made meanwhile get through when it ends.
    """

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._server: asyncio.Server | None = None
        self._open: asyncio.Event | None = None
        self._never = asyncio.Event()  # kept, or those who wait for it would be collected
        self._cut = False
        self._links: set[_Link] = set()
        self.port = 0
        self.connections = 0
        """How many connections were made so far."""

    @property
    def url(self) -> str:
        """The address to give to the client."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection, and each new one, until `heal`."""
        self._call(self._set(cut=True, open_=False))

    def black_hole(self) -> None:
        """Keep everything open and let nothing through, until `heal`."""
        self._call(self._set(cut=False, open_=False))

    def heal(self) -> None:
        """Let new connections through again."""
        self._call(self._set(cut=False, open_=True))

    # ------------------------------------------------------------------------------ private

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, *, cut: bool, open_: bool) -> None:
        assert self._open is not None
        self._cut = cut
        for link in list(self._links):
            if cut:
                link.reset()
            elif not open_:
                link.dead = True
        if open_:
            self._open.set()
        else:
            self._open.clear()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.reset()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link(writer)
        self._links.add(link)
        # A dead server shows as a reset, as it would without us. Streams of Python 3.11 report
        # a cancelled handler as an error, so being closed ends here.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._connect(link, reader, writer)
        link.reset()
        self._links.discard(link)

    async def _connect(
        self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        assert self._open is not None
        if self._cut:
            return
        await self._open.wait()
        if link.client_gone():  # it gave up in the hole, where its SYN would never have arrived
            return
        there, back = await asyncio.open_connection(*self._target)
        link.writers.append(back)
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(link, reader, back))
            pumps.create_task(self._pump(link, there, writer))

    async def _pump(
        self, link: "_Link", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(65536):
                if link.dead:
                    await self._never.wait()  # until the link is reset
                writer.write(data)
                await writer.drain()
            if link.dead:
                await self._never.wait()
            writer.write_eof()
        except OSError:
            if not link.dead:
                link.reset()  # one side's reset is the other's


class _Link:
    """One connection's two ends."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self._client: socket.socket = client.get_extra_info("socket")
        self.writers = [client]
        self.dead = False

    def client_gone(self) -> bool:
        """Whether the client has closed its side (TCP state CLOSE_WAIT)."""
        return self._client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSE_WAIT

    def reset(self) -> None:
        for writer in self.writers:
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
