"""A server in memory behind the engine's `Connection` protocol: it answers as the real one does.

Faults are switched on by the tests: lost acks, silence, refusals, holds, amnesia.
"""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scribe_desktop.errors import UnreachableError
from scribe_desktop.sync.identity import Identity
from scribe_desktop.sync.link import ConnectRefusedError, Patience, Progress
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event, Payload, SessionStatus


class FakeServer:
    """What one server stores, and how it misbehaves."""

    def __init__(self, *, server_id: str = "server-1", window: int = 4) -> None:
        self.server_id = server_id
        self.window = window
        self.key = Ed25519PrivateKey.generate()
        self.key_id = f"key-of-{server_id}"
        self.stored: dict[str, dict[int, str]] = {}
        self.sizes: dict[tuple[str, int], int] = {}
        self.samples: dict[tuple[str, int], int] = {}
        self.status: dict[str, SessionStatus] = {}
        self.received: list[tuple[str, Any]] = []
        self.connections: list[FakeConnection] = []
        self.attempts = 0
        self.can_accept = True
        # faults
        self.is_up = True
        self.refusal: ErrorCode | None = None
        self.silent = False
        self.lose_acks = 0
        self.refuse_chunk: Callable[[protocol.AudioChunk], ErrorCode | None] = lambda _: None
        self.refuse_start: Callable[[str], ErrorCode | None] = lambda _: None
        self.ack_hash: Callable[[str], str] = lambda sha256: sha256
        self.spoil_receipt: Callable[[protocol.Receipt], protocol.Receipt] = lambda receipt: receipt

    @property
    def identity(self) -> Identity:
        public = self.key.public_key().public_bytes_raw().hex()
        return Identity(self.server_id, self.key_id, public)

    def connection(
        self, on_event: Callable[[str, Any], None], on_down: Callable[[], None]
    ) -> "FakeConnection":
        """The engine's connection factory."""
        return FakeConnection(self, on_event, on_down)

    def names(self) -> list[str]:
        """The names of all events that came in, in order."""
        return [name for name, _ in self.received]

    def sequences(self, session_id: str) -> list[int]:
        """The chunks of a session as they came in, repeats included."""
        return [
            data["sequence"]
            for name, data in self.received
            if name == Event.AUDIO_CHUNK and data["sessionId"] == session_id
        ]

    def hang_up_on_all(self) -> None:
        """Every connection is lost, as when the process dies."""
        for connection in list(self.connections):
            connection.lose()

    def say(self, payload: Payload, event: Event) -> None:
        """Tell every connection something that nobody asked for."""
        for connection in self.connections:
            connection.deliver(event, payload)

    # ------------------------------------------------------------------------- answers

    def answers(self, name: str, data: dict[str, Any]) -> list[tuple[Event, Payload]]:
        match name:
            case Event.START_SESSION:
                return self._start(protocol.parse(data, protocol.StartSession))
            case Event.AUDIO_CHUNK:
                return self._chunk(protocol.parse(data, protocol.AudioChunk))
            case Event.STOP_SESSION:
                return self._stop(protocol.parse(data, protocol.StopSession))
            case Event.SYNC_CHECK:
                return self._check(protocol.parse(data, protocol.SyncCheck))
        return []

    def _start(self, start: protocol.StartSession) -> list[tuple[Event, Payload]]:
        session_id = start.session_id
        if code := self.refuse_start(session_id):
            return [(Event.SESSION_ERROR, protocol.SessionError("no", code, session_id))]
        chunks = self.stored.setdefault(session_id, {})
        self.status.setdefault(session_id, SessionStatus.RECORDING)
        highest = max(chunks, default=-1)
        missing = protocol.missing_ranges(protocol.to_ranges(sorted(chunks)), highest + 1)
        started = protocol.SessionStarted(
            session_id, self.status[session_id], start.started_at or 0, missing, highest
        )
        return [(Event.SESSION_STARTED, started)]

    def _chunk(self, chunk: protocol.AudioChunk) -> list[tuple[Event, Payload]]:
        key = (chunk.session_id, chunk.sequence)
        code = self.refuse_chunk(chunk)
        if code is None and chunk.session_id not in self.stored:
            code = ErrorCode.NOT_FOUND
        sha256 = hashlib.sha256(chunk.audio).hexdigest()
        assert sha256 == chunk.sha256
        known = self.stored.get(chunk.session_id, {}).get(chunk.sequence)
        if code is None and known not in {None, sha256}:
            code = ErrorCode.CONFLICT
        if code is not None:
            spec = protocol.ERRORS[code]
            error = protocol.ChunkError(*key, spec.text, code, spec.retryable, 50)
            return [(Event.CHUNK_ERROR, error)]
        self.stored[chunk.session_id][chunk.sequence] = sha256
        self.sizes[key] = len(chunk.audio)
        self.samples[key] = chunk.samples or 0
        if self.lose_acks:
            self.lose_acks -= 1
            return []
        ack = protocol.ChunkAck(
            *key,
            timestamp=0,
            chunk_id=f"{key}",
            duplicate=known is not None,
            can_accept=self.can_accept,
            sha256=self.ack_hash(sha256),
            stored_at=0,
            window=self.window,
        )
        return [(Event.CHUNK_ACK, ack)]

    def _stop(self, stop: protocol.StopSession) -> list[tuple[Event, Payload]]:
        session_id, manifest = stop.session_id, stop.manifest
        assert manifest is not None
        chunks = self.stored.setdefault(session_id, {})
        stopped = (Event.SESSION_STOPPED, protocol.SessionStopped(session_id, 1))
        wanted = {chunk.sequence: chunk.sha256 for chunk in manifest.chunks}
        if missing := sorted(set(wanted) - set(chunks)):
            ranges = protocol.to_ranges(missing)
            return [
                stopped,
                (Event.SESSION_INCOMPLETE, protocol.SessionIncomplete(session_id, ranges)),
            ]
        self.status[session_id] = SessionStatus.COMPLETE
        return [stopped, (Event.SESSION_RECEIPT, self.receipt(manifest))]

    def receipt(self, manifest: protocol.Manifest) -> protocol.Receipt:
        """A signed receipt for a manifest."""
        unsigned = protocol.Receipt(
            session_id=manifest.session_id,
            digest=protocol.manifest_digest(manifest),
            chunks=len(manifest.chunks),
            total_samples=manifest.total_samples,
            bytes=sum(self.sizes[manifest.session_id, c.sequence] for c in manifest.chunks),
            server_id=self.server_id,
            stored_at=1,
            key_id=self.key_id,
            signature="",
        )
        return self.spoil_receipt(self.sign(unsigned))

    def sign(self, receipt: protocol.Receipt) -> protocol.Receipt:
        """The same receipt with this server's signature."""
        message = protocol.receipt_message(receipt)
        return msgspec.structs.replace(receipt, signature=self.key.sign(message).hex())

    def _check(self, check: protocol.SyncCheck) -> list[tuple[Event, Payload]]:
        states = []
        for asked in check.sessions:
            chunks = self.stored.get(asked.session_id, {})
            have = [n for first, last in asked.have for n in range(first, last + 1)]
            match = all(n in chunks for n in have) and asked.digest == protocol.digest_of(
                (n, chunks[n]) for n in have
            )
            status = self.status.get(asked.session_id, SessionStatus.UNKNOWN)
            states.append(
                protocol.SyncStateSession(
                    asked.session_id,
                    status,
                    match,
                    protocol.to_ranges(sorted(chunks)),
                    max(chunks, default=-1),
                )
            )
        return [(Event.SYNC_STATE, protocol.SyncState(states))]


class FakeConnection:
    """One connection to a FakeServer; everything happens on the loop, nothing waits."""

    def __init__(
        self,
        server: FakeServer,
        on_event: Callable[[str, Any], None],
        on_down: Callable[[], None],
    ) -> None:
        self._server = server
        self._on_event = on_event
        self._on_down = on_down
        self.is_open = False
        self.was_cut = False
        self.bytes = 0

    async def connect(
        self, origin: str, auth: protocol.ConnectAuth, patience: Patience, *, polling: bool
    ) -> None:
        self._server.attempts += 1
        await asyncio.sleep(0)
        if not self._server.is_up:
            raise UnreachableError("The server is out of reach", f"{origin} is down.")
        if (code := self._server.refusal) is not None:
            raise ConnectRefusedError(code, protocol.ERRORS[code].text)
        self.is_open = True
        self._server.connections.append(self)
        welcome = protocol.Welcome(
            protocol=protocol.PROTOCOL_VERSION,
            server_id=self._server.server_id,
            server_time=0,
            user_id="somebody",
            can_accept=self._server.can_accept,
            window=self._server.window,
            limits=protocol.Limits(protocol.MAX_CHUNK_BYTES, protocol.CHUNK_MS, None),
        )
        self.deliver(Event.WELCOME, welcome)

    def send(self, event: str, data: dict[str, Any]) -> None:
        if not self.is_open:
            return
        self._server.received.append((event, data))
        if self._server.silent:
            return
        for name, payload in self._server.answers(event, data):
            self.deliver(name, payload)

    def deliver(self, event: Event, payload: Payload) -> None:
        """Let an event arrive, in order, at the loop's next turn."""
        self.deliver_raw(event, protocol.to_wire(payload))

    def deliver_raw(self, event: str, data: object) -> None:
        """Let anything at all arrive."""
        asyncio.get_running_loop().call_soon(self._arrive, event, data)

    def progress(self) -> Progress:
        return Progress(received=self.bytes, confirmed=0)

    def cut(self) -> None:
        self.was_cut = True
        self._leave()

    def lose(self) -> None:
        """The other side has gone."""
        if self.is_open:
            self._leave()
            asyncio.get_running_loop().call_soon(self._on_down)

    async def close(self) -> None:
        self._leave()

    def _leave(self) -> None:
        self.is_open = False
        if self in self._server.connections:
            self._server.connections.remove(self)

    def _arrive(self, event: str, data: object) -> None:
        if self.is_open:
            self.bytes += 1
            self._on_event(event, data)
