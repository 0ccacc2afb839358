"""What has been received and is not stored yet, and waiting until there is less of it."""

import asyncio
from collections.abc import Callable

TICK_S = 1.0


class Unstored:
    """A count of chunks and bytes that one socket, or all together, hold unstored."""

    def __init__(self) -> None:
        self.chunks = 0
        self.bytes = 0
        self._waiting: set[asyncio.Event] = set()

    def add(self, size: int) -> None:
        """One more chunk of `size` bytes."""
        self.chunks += 1
        self.bytes += size

    def remove(self, size: int) -> None:
        """A chunk was stored or refused; wakes those who wait."""
        self.chunks -= 1
        self.bytes -= size
        for event in self._waiting:
            event.set()

    async def until(self, condition: Callable[[], bool], tick: Callable[[], None]) -> None:
        """Return once the condition holds; calls `tick` every TICK_S seconds until then."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not condition():
                event.clear()
                try:
                    async with asyncio.timeout(TICK_S):
                        await event.wait()
                except TimeoutError:
                    tick()
        finally:
            self._waiting.discard(event)
