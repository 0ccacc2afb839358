"""One recording's connection to a Socket.IO server, as the load generator drives it."""

import asyncio
import time
import uuid
from typing import Any

from scribe_server.loadtest.wire import Client
from tests.bench.job import Job
from tests.bench.tally import Tally


class SocketLink:
    """Sends chunks over one connection; `send` is called when one is due.

    In a closed loop it goes on by itself with every ack.
    """

    def __init__(self, job: Job, audio: bytes, tally: Tally) -> None:
        self.started = asyncio.Event()
        self._job = job
        self._audio = audio
        self._tally = tally
        self._client: Client | None = None
        self._by_event = job.dialect == "scribe"
        self._session = ""
        self._sequence = 0
        self._left = job.limit
        self._in_flight: dict[int, float] = {}

    async def open(self) -> None:
        """Connect and begin the first recording."""
        auth = {"token": self._job.token} if self._job.token else {}
        self._client = await Client.connect(self._job.url, auth, self)
        self._new_session()
        async with asyncio.timeout(60):
            await self.started.wait()

    def close(self) -> None:
        """Leave."""
        if self._client is not None:
            self._client.close()

    def fill(self) -> None:
        """Closed loop: have as many chunks in flight as the window allows."""
        while len(self._in_flight) < self._job.window and self._tally.running:
            if self._left == 0 or not self.started.is_set():
                return
            if self._sequence >= self._job.per_session:
                if not self._in_flight:
                    self._new_session()
                return
            self.send(time.perf_counter())

    def send(self, due: float) -> None:
        """Send the chunk that was due then."""
        if self._client is None or not self.started.is_set():
            self._tally.error("a chunk was due before its recording had begun")
            self._tally.sent += 1
            return
        fields = {
            "sessionId": self._session,
            "sequence": self._sequence,
            "timestamp": 1,
            "size": len(self._audio),
            "mimeType": "audio/webm",
        }
        key = self._sequence
        self._sequence += 1
        if self._by_event:
            self._in_flight[key] = due
            self._client.send_chunk("audio-chunk", fields, self._audio)
        else:
            number = self._client.send_chunk("audio-chunk", fields, self._audio, ack=True)
            assert number is not None
            self._in_flight[number] = due
        self._tally.sent += 1
        if self._left is not None:
            self._left -= 1

    # ----------------------------------------------------------------- wire.Listener

    def on_event(self, name: str, payload: Any) -> None:
        """An event: the original protocol answers chunks by events."""
        match name:
            case "chunk-ack":
                self._acked(payload["sequence"])
            case "session-started":
                self.started.set()
                self._go_on()
            case "chunk-error" | "session-error":
                self._in_flight.pop(payload.get("sequence", -1), None)
                self._tally.error(f"{name}: {payload}")
                self._go_on()

    def on_ack(self, number: int, arguments: list[Any]) -> None:
        """A callback: how the peers answer."""
        self._acked(number)

    def on_writable(self, writable: bool) -> None:
        """The window limits what is buffered, nothing else does."""

    def on_end(self) -> None:
        """The server ended the connection."""
        if not self._tally.leaving:
            self._tally.ended += 1

    # ----------------------------------------------------------------------- private

    def _acked(self, key: int) -> None:
        due = self._in_flight.pop(key, None)
        if due is None:
            self._tally.error(f"an ack for {key}, which was not in flight")
            return
        self._tally.ack(due)
        self._go_on()

    def _go_on(self) -> None:
        if self._job.rate is None:
            if self._tally.running:
                self.fill()
        elif self._sequence >= self._job.per_session and not self._in_flight:
            self._new_session()

    def _new_session(self) -> None:
        self._session, self._sequence = str(uuid.uuid4()), 0
        if not self._by_event:
            self.started.set()
            self._go_on()
            return
        self.started.clear()
        assert self._client is not None
        fields = {"sessionId": self._session, "title": "A meeting", "source": "mic"}
        self._client.send_event("start-session", fields)
