"""What goes out over one WebSocket: written at once, queued only while its client does not read.

It stands in the place of an Engine.IO socket's queue, so that whatever engineio itself sends
(pings, answers to CONNECT, closes) takes the same way. Stock keeps a task per socket for it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol

from engineio import packet
from typing_extensions import override

from scribe_server.tasks import Tasks

_MOST_AT_ONCE: Final = 16 * 1024
"""Characters of a packet that may be written at once; far below aiohttp's mark for waiting."""


class Frames(Protocol):
    """The WebSocket as the outbox sees it."""

    async def send(self, message: str | bytes) -> None:
        """Send one frame; OSError when the connection has ended."""

    async def close(self) -> None:
        """Close with the WebSocket handshake."""

    def unsent(self) -> int:
        """Bytes handed over that the operating system has not taken yet."""


class Outbox(asyncio.Queue[packet.Packet | None]):
    """An unbounded queue that empties itself into the WebSocket. None means: then close."""

    def __init__(self, frames: Frames, tasks: Tasks) -> None:
        super().__init__()
        self._frames = frames
        self._tasks = tasks
        self._emptying = False

    @override
    def put_nowait(self, item: packet.Packet | None) -> None:
        """Write the packet now when nothing waits before it, else queue it."""
        if self._emptying or item is None or self._frames.unsent() or not self._written(item):
            super().put_nowait(item)
            if not self._emptying:
                self._emptying = True
                self._tasks.start(self._empty(), "empty outbox")

    def _written(self, item: packet.Packet) -> bool:
        message = item.encode()
        if len(message) > _MOST_AT_ONCE:
            return False
        try:
            _finish(self._frames.send(message))
        except OSError:
            return True  # nobody is there any more; the reader notices it too
        return True

    async def _empty(self) -> None:
        try:
            while not self.empty():
                item = self.get_nowait()
                self.task_done()
                if item is None:
                    await self._frames.close()
                else:
                    await self._frames.send(item.encode())
        except OSError:
            self._forget()
        finally:
            self._emptying = False

    def _forget(self) -> None:
        """Nobody is there any more."""
        while not self.empty():
            self.get_nowait()
            self.task_done()


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that has no reason to wait, without a task."""
    try:
        work.send(None)
    except StopIteration:
        return
    # The frame was handed over before aiohttp began to wait for the buffer to empty.
    work.close()
