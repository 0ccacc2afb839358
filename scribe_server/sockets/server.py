"""The Socket.IO server put together: sockets in, ingest behind, backpressure around."""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from scribe_server.backpressure import QueueLimits, Thresholds, Window, decide
from scribe_server.collector import Activity
from scribe_server.config import ServerConfig
from scribe_server.inflow import Inflow
from scribe_server.metrics import Metrics
from scribe_server.protocol import (
    CHUNK_MS,
    ERRORS,
    MAX_CHUNK_BYTES,
    PROTOCOL_VERSION,
    Backpressure,
    BackpressureReason,
    ConnectAuth,
    ErrorCode,
    Event,
    Limits,
    Payload,
    Range,
    Refusal,
    SessionError,
    SessionIncomplete,
    Welcome,
    parse,
    to_wire,
)
from scribe_server.sockets.engine import GuardedServer
from scribe_server.sockets.gate import Gate
from scribe_server.sockets.handlers import Handlers
from scribe_server.sockets.machine import Machine
from scribe_server.sockets.peers import Peer
from scribe_server.store.errors import StorageError
from scribe_server.tasks import Tasks

if TYPE_CHECKING:
    from scribe_server.auth import Auth
    from scribe_server.ingest import Ingest

log = logging.getLogger(__name__)

_MEASURE_EVERY_S: Final = 1.0
_MAX_UNSTORED_BYTES: Final = 256 * 1024 * 1024
_UNSTORED_SHARE: Final = 0.2
_ARRIVING_SHARE: Final = 3
_ARRIVING_PER_UNSTORED: Final = 4
_LEAST_ARRIVING: Final = 64 * 1024 * 1024


class SocketServer:
    """Takes sockets on /socket.io/ of an aiohttp application."""

    def __init__(
        self,
        config: ServerConfig,
        *,
        auth: "Auth",
        ingest: "Ingest",
        server_id: str,
        metrics: Metrics,
        clock: Callable[[], int],
    ) -> None:
        self._auth = auth
        self._ingest = ingest
        self._server_id = server_id
        self._metrics = metrics
        self._clock = clock
        self._tasks = Tasks()
        self._storing = Tasks()
        self._handling = 0
        self._nothing_handled = asyncio.Event()
        self._nothing_handled.set()
        self._peers: dict[str, Peer] = {}
        self._machine = Machine(config.storage_dir)
        self._thresholds = Thresholds(self._machine.memory_limit, config.memory_threshold)
        limits = QueueLimits(config.max_queue_size, config.max_socket_buffer)
        unstored = config.max_unstored_bytes or min(
            _MAX_UNSTORED_BYTES, math.floor(self._machine.memory_limit * _UNSTORED_SHARE)
        )
        self.gate = Gate(limits, unstored, self._tell)
        self._handlers = Handlers(ingest, self.gate, self, metrics, self._storing)
        self.inflow = Inflow(arriving_bytes(config.max_unstored_bytes, self._machine.memory_limit))
        self._server = GuardedServer(self, self._tasks, self.inflow)

    def attach(self, application: web.Application) -> None:
        """Serve the transport on this application."""
        self._server.attach(application)

    def start(self) -> None:
        """Begin to measure memory, disk and the store."""
        self._tasks.start(self._measure(), "measure load")

    def readiness(self) -> dict[str, Any]:
        """Whether chunks are taken now and why not; and what has been done so far."""
        decision = self.gate.decision
        draining = self._server.eio.draining.is_set()
        return {
            "canAccept": decision.can_accept and not draining,
            "reason": "stopping" if draining else decision.reason,
            "unstoredChunks": self.gate.all.chunks,
            "unstoredBytes": self.gate.all.bytes,
            **self._metrics.snapshot(),
        }

    def activity(self) -> Activity:
        """What has been done so far, for the garbage collector's pace."""
        return Activity(
            sockets=self._metrics.sockets,
            ended=self._metrics.sockets_ended,
            chunks=self._metrics.chunks_stored + self._metrics.duplicates,
            memory=self._machine.own_memory(),
        )

    def tell_incomplete(self, user_id: int, session_id: str, missing: list[Range]) -> None:
        """Tell a user's connected recorders what of a session is missing since it was acked.

        Which of them has it is not known; the others take no notice.
        """
        lacking = SessionIncomplete(session_id, missing)
        for peer in list(self.gate.peers):
            if peer.scribe_client and peer.owner.user_id == user_id:
                self.send(peer, Event.SESSION_INCOMPLETE, lacking)

    async def drain(self, timeout_s: float) -> None:
        """Read no more; store and acknowledge what was received."""
        self._server.eio.draining.set()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                await self._nothing_handled.wait()
        except TimeoutError:
            log.warning("some requests were not answered before the server closed")
        await self.gate.emptied(max(0.0, deadline - loop.time()))
        await self._storing.drain(max(0.0, deadline - loop.time()))
        await self._server.flush(1.0)

    async def close(self) -> None:
        """End every socket."""
        await self._server.close_all()
        await self._tasks.drain(0)

    # ---------------------------------------------------------------- engine.Listener

    async def connecting(self, socket: str, auth: object) -> dict[str, Any] | None:
        """Check protocol and token of a CONNECT; a refusal is its `data`."""
        try:
            hello = parse(auth if auth is not None else {}, ConnectAuth)
        except (msgspec.ValidationError, RecursionError) as error:
            return _refusal(ErrorCode.INVALID_PAYLOAD, str(error))
        if hello.protocol not in {None, PROTOCOL_VERSION}:
            return _refusal(ErrorCode.PROTOCOL_UNSUPPORTED)
        try:
            owner = await self._auth.authenticate(hello.token)
        except StorageError as error:
            log.error("cannot look up a token: %s", error)
            return _refusal(ErrorCode.STORAGE_FAILED)
        if isinstance(owner, Refusal):
            return to_wire(owner)
        peer = Peer(
            socket=socket,
            owner=replace(owner, device_id=hello.device_id),
            device_id=hello.device_id,
            scribe_client=hello.protocol is not None,
            window=Window(self.gate.limits.max_chunks, self.gate.limits.max_chunks),
        )
        self._peers[socket] = peer
        return None

    def connected(self, socket: str) -> None:
        """Welcome a socket."""
        peer = self._peers[socket]
        self.gate.peers.add(peer)
        self._metrics.sockets = len(self.gate.peers)
        can_accept = self.gate.can_accept(peer)
        peer.told_closed = not can_accept
        welcome = Welcome(
            protocol=PROTOCOL_VERSION,
            server_id=self._server_id,
            server_time=self._clock(),
            user_id=peer.owner.name,
            can_accept=can_accept,
            window=peer.window.size,
            limits=Limits(MAX_CHUNK_BYTES, CHUNK_MS, None),
        )
        self.send(peer, Event.WELCOME, welcome)

    async def event(self, socket: str, name: str, arguments: list[Any]) -> None:
        """Hand an event to its handler."""
        peer = self._peers.get(socket)
        if peer is None:
            return
        self._handling += 1
        self._nothing_handled.clear()
        try:
            await self._handlers.event(peer, name, arguments)
        finally:
            self._handling -= 1
            if self._handling == 0:
                self._nothing_handled.set()

    def disconnected(self, socket: str) -> None:
        """Forget a socket; what it sent is stored all the same."""
        peer = self._peers.pop(socket, None)
        if peer is None:
            return
        peer.ended = True
        self.gate.peers.discard(peer)
        self._handlers.bindings.drop(socket)
        self._metrics.sockets = len(self.gate.peers)
        self._metrics.sockets_ended += 1

    def owner(self, socket: str) -> int | None:
        """The id of the user who is signed in on a socket."""
        peer = self._peers.get(socket)
        return None if peer is None else peer.owner.user_id

    def malformed(self, socket: str) -> None:
        """Count a socket that broke the protocol."""
        self._metrics.malformed += 1

    # ---------------------------------------------------------------- handlers.Outside

    def send(self, peer: Peer, event: Event, payload: Payload) -> None:
        """Queue one event for the socket."""
        self._server.send(peer.socket, event, payload)

    def keep_alive(self, peer: Peer) -> None:
        """Keep the heartbeat of a socket that is not being read."""
        self._server.keep_alive(peer.socket)

    def supersede(self, socket: str, session_id: str, *, same_device: bool) -> None:
        """Tell the older socket; close it when it has nothing left, or is the same device's."""
        peer = self._peers.get(socket)
        if peer is None:
            return
        code = ErrorCode.SUPERSEDED
        self.send(peer, Event.SESSION_ERROR, SessionError(ERRORS[code].text, code, session_id))
        if same_device or self._handlers.bindings.sessions_of(socket) == 0:
            self._tasks.start(self._server.retire(socket), "retire")

    # ------------------------------------------------------------------------- private

    def _tell(self, peer: Peer, backpressure: Backpressure) -> None:
        self.send(peer, Event.BACKPRESSURE, backpressure)

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(_MEASURE_EVERY_S)
            waited = self._ingest.load().oldest_wait_s
            try:
                load = await asyncio.to_thread(self._machine.load, waited)
            except OSError as error:
                log.warning("cannot measure memory and disk: %s", error)
                continue
            before = self.gate.decision
            decision = decide(load, self._thresholds, before)
            if decision.reason != before.reason:
                log.warning("taking chunks: %s (%s)", decision.can_accept, decision.reason)
            if decision.reason is BackpressureReason.MEMORY:
                # What was freed counts as ours until it is given back, and would keep us closed.
                await asyncio.to_thread(self._machine.give_back)
            self.gate.update(decision)
            if decision.reason is not BackpressureReason.DISK:
                # Each time: a disk may be full and free again between two looks.
                await asyncio.to_thread(self._ingest.set_room_aside)


def arriving_bytes(max_unstored: int | None, memory_limit: int) -> int:
    """How much may be on its way in of messages that have not come whole.

    A third of the memory, so that thousands of recorders that send at once stay far below it; less
    when the operator has set a bound for what is unstored.
    """
    share = memory_limit // _ARRIVING_SHARE
    if max_unstored is None:
        return share
    return min(share, max(_LEAST_ARRIVING, _ARRIVING_PER_UNSTORED * max_unstored))


def _refusal(code: ErrorCode, details: str = "") -> dict[str, Any]:
    return to_wire(Refusal(code, f"{ERRORS[code].text} {details}".strip()))
