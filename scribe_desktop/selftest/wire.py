"""The engine's connection, with messages doubled or overtaking each other, and what came back."""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from scribe_desktop.sync.events import Key
from scribe_desktop.sync.link import Connection, ConnectionFactory, Patience, Progress
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event

LONGEST_HOLD_S: Final = 0.2
"""A held chunk goes by itself when no other one comes to overtake it."""


class Mode(Enum):
    """What happens to chunks on their way out."""

    PLAIN = "plain"
    DOUBLE = "double"
    SWAP = "swap"


class Wire:
    """What all connections of one engine do, and what they have seen; used on the sync thread.

    Attributes:
        mode: what to do with the chunks that are sent from now on.
        doubled: chunks that were sent twice in a row.
        overtaken: chunks that went out after one that was sent later.
        known: chunks of which the server said that it had them already.
        refused: chunks refused because the server's disk is full.
        at_next_ack: called once, when the next chunk is acknowledged.
    """

    def __init__(self) -> None:
        self.mode = Mode.PLAIN
        self.doubled: set[Key] = set()
        self.overtaken: set[Key] = set()
        self.known: set[Key] = set()
        self.refused: set[Key] = set()
        self.at_next_ack: Callable[[], None] | None = None

    def making(self, make: ConnectionFactory) -> ConnectionFactory:
        """A factory whose connections have these faults."""

        def faulty(on_event: Callable[[str, Any], None], on_down: Callable[[], None]) -> Connection:
            def seen(name: str, data: Any) -> None:
                self.note(name, data)
                on_event(name, data)

            return FaultyConnection(self, make(seen, on_down))

        return faulty

    def note(self, name: str, data: Any) -> None:
        """Take down what the server says of chunks."""
        if name not in {Event.CHUNK_ACK, Event.CHUNK_ERROR} or not isinstance(data, dict):
            return
        key = key_of(data)
        if name == Event.CHUNK_ACK:
            if data.get("duplicate") is True:
                self.known.add(key)
            action, self.at_next_ack = self.at_next_ack, None
            if action is not None:
                action()
        elif data.get("code") == ErrorCode.STORAGE_FULL:
            self.refused.add(key)


class FaultyConnection:
    """One connection (see link.Connection)."""

    def __init__(self, wire: Wire, inner: Connection) -> None:
        self._wire = wire
        self._inner = inner
        self._held: dict[str, Any] | None = None

    async def connect(
        self, origin: str, auth: protocol.ConnectAuth, patience: Patience, *, polling: bool
    ) -> None:
        """Connect."""
        await self._inner.connect(origin, auth, patience, polling=polling)

    def send(self, event: str, data: dict[str, Any]) -> None:
        """Send, once, twice or after the next chunk."""
        if event != Event.AUDIO_CHUNK or self._wire.mode is Mode.PLAIN:
            self._inner.send(event, data)
        elif self._wire.mode is Mode.DOUBLE:
            self._inner.send(event, data)
            self._inner.send(event, data)
            self._wire.doubled.add(key_of(data))
        elif self._held is None:
            self._held = data
            asyncio.get_running_loop().call_later(LONGEST_HOLD_S, self._release)
        else:
            self._wire.overtaken.add(key_of(self._held))
            self._inner.send(event, data)
            self._release()

    def progress(self) -> Progress:
        """What has passed so far."""
        return self._inner.progress()

    def cut(self) -> None:
        """Shut the socket down."""
        self._inner.cut()

    async def close(self) -> None:
        """End the connection; what is held goes with it."""
        self._held = None
        await self._inner.close()

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._inner.send(Event.AUDIO_CHUNK, held)


def key_of(data: dict[str, Any]) -> Key:
    """Which chunk a message is about."""
    return str(data.get("sessionId")), int(data.get("sequence", -1))
