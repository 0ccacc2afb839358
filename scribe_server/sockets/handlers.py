"""The events of the wire: parse, ask, answer. Refusals are answers; nothing here raises."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from scribe_server.metrics import Metrics
from scribe_server.protocol import (
    ERRORS,
    MAX_CHUNK_BYTES,
    AudioChunk,
    ChunkAck,
    ChunkError,
    ErrorCode,
    Event,
    PauseSession,
    Payload,
    Receipt,
    ResumeSession,
    SessionError,
    SessionIncomplete,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionStopped,
    StartSession,
    StopSession,
    SyncCheck,
    SyncState,
    parse,
)
from scribe_server.sockets.bindings import Bindings, Key
from scribe_server.sockets.gate import Gate
from scribe_server.sockets.peers import Peer
from scribe_server.store.errors import StorageError
from scribe_server.tasks import Tasks

if TYPE_CHECKING:
    from scribe_server.ingest import Ingest

log = logging.getLogger(__name__)
P = TypeVar("P", bound=Payload)

EVENT_OF: dict[type[Payload], Event] = {
    SessionStarted: Event.SESSION_STARTED,
    ChunkAck: Event.CHUNK_ACK,
    ChunkError: Event.CHUNK_ERROR,
    SessionError: Event.SESSION_ERROR,
    SessionPaused: Event.SESSION_PAUSED,
    SessionResumed: Event.SESSION_RESUMED,
    SessionStopped: Event.SESSION_STOPPED,
    SessionIncomplete: Event.SESSION_INCOMPLETE,
    Receipt: Event.SESSION_RECEIPT,
    SyncState: Event.SYNC_STATE,
}
_LONGEST_ECHO = 100
_DUPLICATE_RETRY_MS = 10_000

Handler = Callable[[Peer, object], Awaitable[None]]


class Outside(Protocol):
    """What handlers need from the transport."""

    def send(self, peer: Peer, event: Event, payload: Payload) -> None:
        """Queue one event for the socket."""

    def keep_alive(self, peer: Peer) -> None:
        """The socket is not being read: keep its heartbeat going."""

    def supersede(self, socket: str, session_id: str, *, same_device: bool) -> None:
        """Another socket has lost this session to a newer one."""


class Handlers:
    """One method per event of a client."""

    def __init__(
        self, ingest: "Ingest", gate: Gate, outside: Outside, metrics: Metrics, tasks: Tasks
    ) -> None:
        self.bindings = Bindings()
        self._ingest = ingest
        self._gate = gate
        self._outside = outside
        self._metrics = metrics
        self._tasks = tasks
        self._by_event: dict[str, Handler] = {
            Event.START_SESSION: self._start,
            Event.AUDIO_CHUNK: self._chunk,
            Event.PAUSE_SESSION: self._pause,
            Event.RESUME_SESSION: self._resume,
            Event.STOP_SESSION: self._stop,
            Event.SYNC_CHECK: self._sync_check,
        }

    async def event(self, peer: Peer, name: str, arguments: list[Any]) -> None:
        """Handle one event; unknown ones are ignored, as every Socket.IO server does."""
        handler = self._by_event.get(name)
        if handler is None:
            return
        data = arguments[0] if arguments else None
        try:
            await handler(peer, data)
        except StorageError as error:
            log.error("%s: %s", name, error)
            self._answer(peer, refused(data, ErrorCode.STORAGE_FAILED))
        except Exception:  # one socket's mishap must not end the server
            log.exception("%s failed", name)
            self._answer(peer, refused(data, ErrorCode.INTERNAL))

    # ------------------------------------------------------------------------- sessions

    async def _start(self, peer: Peer, data: object) -> None:
        request = self._parsed(peer, data, StartSession)
        if request is None:
            return
        key = key_of(peer, request.session_id)
        if self.bindings.conflict(key, peer.socket, peer.device_id):
            self._answer(peer, refused(data, ErrorCode.CONFLICT))
            return
        answer = await self._ingest.start_session(
            peer.owner, request, scribe_client=peer.scribe_client
        )
        if isinstance(answer, SessionStarted) and not peer.ended:
            lost = self.bindings.bind(key, peer.socket, peer.device_id)
            if lost is not None:
                same = lost.device_id is not None and lost.device_id == peer.device_id
                self._outside.supersede(lost.socket, request.session_id, same_device=same)
        self._answer(peer, answer)

    async def _pause(self, peer: Peer, data: object) -> None:
        request = self._parsed(peer, data, PauseSession)
        if request is not None:
            self._answer(peer, await self._ingest.pause_session(peer.owner, request))

    async def _resume(self, peer: Peer, data: object) -> None:
        request = self._parsed(peer, data, ResumeSession)
        if request is not None:
            self._answer(peer, await self._ingest.resume_session(peer.owner, request))

    async def _stop(self, peer: Peer, data: object) -> None:
        request = self._parsed(peer, data, StopSession)
        if request is None:
            return
        own = peer.unstored
        # What was sent before the stop counts, so it has to be stored first.
        await own.until(lambda: own.chunks == 0, lambda: self._outside.keep_alive(peer))
        answers = await self._ingest.stop_session(peer.owner, request)
        if any(isinstance(answer, SessionStopped) for answer in answers):
            self.bindings.stopped(key_of(peer, request.session_id), peer.socket)
        for answer in answers:
            self._answer(peer, answer)

    async def _sync_check(self, peer: Peer, data: object) -> None:
        request = self._parsed(peer, data, SyncCheck)
        if request is not None:
            self._answer(peer, await self._ingest.sync_check(peer.owner, request))

    # --------------------------------------------------------------------------- chunks

    async def _chunk(self, peer: Peer, data: object) -> None:
        chunk = self._parsed(peer, data, AudioChunk)
        if chunk is None:
            return
        size = len(chunk.audio)
        code = self._chunk_refusal(peer, chunk)
        if code is None:
            await self._gate.room(peer, lambda: self._outside.keep_alive(peer))
            # The wait may have been long.
            code = self._chunk_refusal(peer, chunk)
        if code is not None:
            self._refuse_chunk(peer, chunk, code)
            return
        self._gate.took(peer, size)
        answered = partial(self._answered, peer, chunk)
        try:
            taken = self._ingest.take(peer.owner, chunk, answered, scribe_client=peer.scribe_client)
        except Exception:  # the client must hear of it, and the queue go on
            log.exception("taking a chunk failed")
            answered(chunk_error(chunk.session_id, chunk.sequence, ErrorCode.INTERNAL))
            return
        if not taken:
            self._tasks.start(self._store(peer, chunk), "store chunk")

    def _chunk_refusal(self, peer: Peer, chunk: AudioChunk) -> ErrorCode | None:
        if len(chunk.audio) > MAX_CHUNK_BYTES:
            return ErrorCode.CHUNK_TOO_LARGE
        if not self._gate.decision.can_accept:
            return ErrorCode.BUSY
        key = key_of(peer, chunk.session_id)
        return self.bindings.refusal(key, peer.socket, peer.device_id)

    def _refuse_chunk(self, peer: Peer, chunk: AudioChunk, code: ErrorCode) -> None:
        decision = self._gate.decision
        retry = decision.retry_after_ms if code is ErrorCode.BUSY else None
        answer = chunk_error(chunk.session_id, chunk.sequence, code, retry_after_ms=retry)
        self._metrics.answered(chunk, answer)
        self._answer(peer, answer)
        if code is ErrorCode.BUSY:
            self._gate.tell_closed(peer, decision)

    async def _store(self, peer: Peer, chunk: AudioChunk) -> None:
        answer: ChunkAck | ChunkError
        try:
            answer = await self._ingest.accept(peer.owner, chunk, scribe_client=peer.scribe_client)
        except Exception:  # the client must hear of it, and the queue go on
            log.exception("storing a chunk failed")
            answer = chunk_error(chunk.session_id, chunk.sequence, ErrorCode.INTERNAL)
        self._answered(peer, chunk, answer)

    def _answered(self, peer: Peer, chunk: AudioChunk, answer: ChunkAck | ChunkError) -> None:
        self._gate.released(peer, len(chunk.audio))
        if isinstance(answer, ChunkAck):
            answer = self._completed(peer, answer)
        self._metrics.answered(chunk, answer)
        self._answer(peer, answer)

    def _completed(self, peer: Peer, ack: ChunkAck) -> ChunkAck | ChunkError:
        if ack.duplicate and peer.duplicates.too_many(ack.session_id, ack.sequence):
            return chunk_error(
                ack.session_id,
                ack.sequence,
                ErrorCode.RATE_LIMITED,
                retry_after_ms=_DUPLICATE_RETRY_MS,
            )
        latency = self._ingest.load().last_latency_s
        pressed = self._gate.limits.pressed(peer.unstored.chunks, latency)
        peer.window = peer.window.after_ack(pressed=pressed)
        can_accept = self._gate.can_accept(peer)
        peer.told_closed = peer.told_closed or not can_accept
        return msgspec.structs.replace(ack, can_accept=can_accept, window=peer.window.size)

    # -------------------------------------------------------------------------- answers

    def _parsed(self, peer: Peer, data: object, kind: type[P]) -> P | None:
        try:
            return parse(data, kind)
        except (msgspec.ValidationError, RecursionError) as error:
            self._metrics.refusals[ErrorCode.INVALID_PAYLOAD] += 1
            details = str(error)
            if kind is AudioChunk:
                self._answer(peer, chunk_refused(data, details))
            else:
                self._answer(peer, refused(data, ErrorCode.INVALID_PAYLOAD, details))
            return None

    def _answer(self, peer: Peer, payload: Payload) -> None:
        if not peer.ended:
            self._outside.send(peer, EVENT_OF[type(payload)], payload)


def key_of(peer: Peer, session_id: str) -> Key:
    """What a session is known by, however its UUID is spelled."""
    return peer.owner.user_id, session_id.lower()


def chunk_error(
    session_id: str, sequence: int, code: ErrorCode, *, retry_after_ms: int | None = None
) -> ChunkError:
    """A chunk's refusal in the table's words."""
    spec = ERRORS[code]
    return ChunkError(session_id, sequence, spec.text, code, spec.retryable, retry_after_ms)


def refused(data: object, code: ErrorCode, details: str | None = None) -> SessionError:
    """A request's refusal, naming its session where the request did so legibly."""
    return SessionError(ERRORS[code].text, code, _session_of(data), details)


def chunk_refused(data: object, details: str) -> Payload:
    """The refusal of a chunk that is not of the documented form.

    A chunk-error needs a session and a sequence; what names none of them is a session-error.
    """
    session_id = _session_of(data)
    sequence = data.get("sequence") if isinstance(data, dict) else None
    if session_id is None or type(sequence) is not int or abs(sequence) >= 2**53:
        return refused(data, ErrorCode.INVALID_PAYLOAD, details)
    spec = ERRORS[ErrorCode.INVALID_PAYLOAD]
    text = f"{spec.text} {details}"
    return ChunkError(session_id, sequence, text, ErrorCode.INVALID_PAYLOAD, spec.retryable)


def _session_of(data: object) -> str | None:
    session_id = data.get("sessionId") if isinstance(data, dict) else None
    if isinstance(session_id, str) and len(session_id) <= _LONGEST_ECHO:
        return session_id
    return None
