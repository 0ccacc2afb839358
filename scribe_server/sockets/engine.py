"""The stock Socket.IO server made safe against what arrives before our handlers see it."""

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any, Final, Protocol

import engineio
import msgspec
import socketio
from aiohttp import web
from engineio import packet as frames
from socketio import packet

from scribe_server.inflow import FIRST_BYTES, Inflow
from scribe_server.protocol import CONNECT_TIMEOUT_S, Payload, to_wire
from scribe_server.sockets.driver import DRIVER, MAX_POLLING_BODY, posted, read_body
from scribe_server.sockets.packets import MALFORMED, StrictPacket
from scribe_server.sockets.pings import TASK_OF_STOCK, ping_later
from scribe_server.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

NAMESPACE: Final = "/"
MAX_PENDING: Final = 256
"""Sockets that may be open without having sent CONNECT; the oldest makes room."""
MAX_UNREAD_PACKETS: Final = 2_000
MAX_UNREAD_BYTES: Final = 8 * 1024 * 1024
"""What a client may leave unread before its socket is cut."""
_LONGEST_NAMESPACE = 100


class Listener(Protocol):
    """Who is told what sockets do. A socket is named by its Engine.IO id."""

    async def connecting(self, socket: str, auth: object) -> dict[str, Any] | None:
        """Decide on a CONNECT; a refusal is returned as the `data` of connect_error."""

    def connected(self, socket: str) -> None:
        """The client has been told that it is connected."""

    async def event(self, socket: str, name: str, arguments: list[Any]) -> None:
        """A well-formed event; the socket is not read on until this returns."""

    def disconnected(self, socket: str) -> None:
        """The socket has ended."""

    def owner(self, socket: str) -> int | None:
        """The id of the user who is signed in on it; None before its CONNECT was accepted."""

    def malformed(self, socket: str) -> None:
        """The socket sent something that is no packet, and has been closed."""


class Engine(engineio.AsyncServer):  # type: ignore[misc] # engineio has no types
    """Engine.IO with our driver, one request body per socket at a time, and a way to drain."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._async = DRIVER
        self.connections: dict[str, asyncio.Transport] = {}
        self.admitted: set[str] = set()
        self.draining = asyncio.Event()
        self.closed = asyncio.Event()
        self.tasks = Tasks()
        self.inflow = Inflow(sys.maxsize)
        self.owner: Callable[[str], int | None] = lambda _: None
        self._posting: set[str] = set()

    def _log_error_once(self, message: str, _message_key: str) -> None:
        # Stock: an error in the log. What a stranger sends is no error of this server.
        self.logger.info("%s", message)

    def start_background_task(self, target: Any, *args: Any, **kwargs: Any) -> Any:
        """What engineio starts; pings are timers here."""
        if getattr(target, "__name__", "") == TASK_OF_STOCK:
            return ping_later(target.__self__, self.ping_interval, self.tasks)
        return super().start_background_task(target, *args, **kwargs)

    async def disconnect(self, sid: str | None = None) -> None:
        """Close one socket at once. Stock waits for a reader that may never come."""
        connection = self.sockets.pop(sid, None)
        if connection is not None:
            await connection.close(wait=False, abort=True)
            connection.queue.put_nowait(None)  # ends a poll or a writer that waits for packets

    async def handle_request(self, request: web.Request) -> Any:
        """Serve one request of the transport; refuses overlapping, unsized and huge bodies."""
        if "j" in request.query:
            return web.Response(status=400, text="JSONP is not supported.")
        if request.method != "POST":
            return await super().handle_request(request)
        sid = request.query.get("sid", "")
        limit = MAX_POLLING_BODY if sid in self.admitted else FIRST_BYTES
        if sid in self._posting or request.content_length is None:
            return web.Response(status=400, text="One request with a length at a time.")
        if request.content_length > limit:
            return web.Response(status=413, text="The request body is too large.")
        self._posting.add(sid)
        try:
            body = await self._read_body(request, sid) if sid in self.sockets else b""
            if body is None:
                return web.Response(status=400, text="The request body cannot be used.")
            with posted(body):
                return await super().handle_request(request)
        finally:
            self._posting.discard(sid)

    async def _read_body(self, request: web.Request, sid: str) -> bytes | None:
        """A body; None for one that cannot be used, which ends its socket.

        Before engineio does, which has no answer when the socket has ended meanwhile.
        """
        arriving = request.protocol
        self.inflow.watch(arriving, lambda: self.owner(sid), lambda: _abort(request))
        try:
            return await read_body(request)
        except (EOFError, OSError, ValueError) as error:
            self.logger.info("socket %s: unusable request body (%s)", sid, type(error).__name__)
            await self.disconnect(sid)
            return None
        finally:
            self.inflow.forget(arriving)


class GuardedServer(socketio.AsyncServer):  # type: ignore[misc] # socketio has no types
    """Socket.IO that closes a socket on the first malformed packet, and says so in one line."""

    def __init__(self, listener: Listener, tasks: Tasks, inflow: Inflow, **options: Any) -> None:
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            serializer=StrictPacket,
            cors_allowed_origins=[],  # the application checks Host and Origin itself
            max_http_buffer_size=MAX_POLLING_BODY,
            http_compression=False,
            logger=logging.getLogger("scribe_server.socketio"),
            engineio_logger=logging.getLogger("scribe_server.engineio"),
            **options,
        )
        self._listener = listener
        self._tasks = tasks
        self.eio.tasks = tasks
        self.eio.inflow = inflow
        self.eio.owner = listener.owner
        self._pending: dict[str, asyncio.TimerHandle] = {}
        self._cutting: set[str] = set()
        self.on("connect", self._on_connect)
        self.on("disconnect", self._on_disconnect)

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    # ------------------------------------------------------------------ towards clients

    def send(self, socket: str, event: str, payload: Payload) -> None:
        """Queue one event; a client that does not read is cut instead."""
        connection = self.eio.sockets.get(socket)
        if connection is None or connection.closed:
            return
        transport = self.eio.connections.get(socket)
        unread = transport.get_write_buffer_size() if transport is not None else 0
        if connection.queue.qsize() > MAX_UNREAD_PACKETS or unread > MAX_UNREAD_BYTES:
            if socket not in self._cutting:
                log.info("cutting socket %s: it does not read what it is sent", socket)
                self._cutting.add(socket)
                self._tasks.start(self.cut(socket), "cut")
            return
        text = msgspec.json.encode([event, to_wire(payload)]).decode()
        connection.queue.put_nowait(frames.Packet(frames.MESSAGE, f"{packet.EVENT}{text}"))

    def keep_alive(self, socket: str) -> None:
        """Go on pinging while the socket is not read: its PONGs wait behind the chunks."""
        connection = self.eio.sockets.get(socket)
        if connection is not None and not connection.closed:
            connection.schedule_ping()

    async def retire(self, socket: str) -> None:
        """Say goodbye (the client does not reconnect by itself after it) and close."""
        connection = self.eio.sockets.get(socket)
        if connection is not None and not connection.closed:
            connection.queue.put_nowait(frames.Packet(frames.MESSAGE, str(packet.DISCONNECT)))
            await self.flush(2, [socket])
        await self.cut(socket)

    async def cut(self, socket: str) -> None:
        """Close at once, with the TCP connection, whatever is queued."""
        transport = self.eio.connections.get(socket)
        await self.eio.disconnect(socket)
        if transport is not None:
            transport.abort()

    async def flush(self, timeout_s: float, sockets: list[str] | None = None) -> None:
        """Return when everything queued was handed to the system, or after the time."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        names = list(self.eio.sockets) if sockets is None else sockets
        while any(self._unsent(name) for name in names):
            if asyncio.get_running_loop().time() >= deadline:
                return
            await asyncio.sleep(0.02)

    def _unsent(self, socket: str) -> bool:
        connection = self.eio.sockets.get(socket)
        transport = self.eio.connections.get(socket)
        if connection is None or transport is None or connection.closed:
            return False
        return not connection.queue.empty() or transport.get_write_buffer_size() > 0

    async def close_all(self) -> None:
        """End every socket with an Engine.IO close, after which clients reconnect by themselves."""
        if self.eio.closed.is_set():
            return
        self.eio.draining.set()
        for socket, connection in list(self.eio.sockets.items()):
            await connection.close(wait=False)
            connection.queue.put_nowait(None)
            self.eio.sockets.pop(socket, None)
        self.eio.closed.set()
        for timer in self._pending.values():
            timer.cancel()
        self._pending.clear()
        await self.shutdown()

    # ------------------------------------------------------------------ from clients

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self._expect_connect(eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        if (timer := self._pending.pop(eio_sid, None)) is not None:
            timer.cancel()
        self.eio.admitted.discard(eio_sid)
        self._cutting.discard(eio_sid)
        connection = self.eio.sockets.get(eio_sid)
        if connection is not None and reason == self.reason.CLIENT_DISCONNECT:
            connection.queue.put_nowait(None)  # else its open poll would be answered in 45 s
        if reason == self.reason.PING_TIMEOUT and eio_sid in self.eio.connections:
            self.eio.connections[eio_sid].abort()  # nobody is there to say goodbye to
        await super()._handle_eio_disconnect(eio_sid, reason)

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        try:
            complete = self._complete(eio_sid, data)
        except MALFORMED as error:
            self._binary_packet.pop(eio_sid, None)
            log.info("closing socket %s: malformed packet (%s)", eio_sid, type(error).__name__)
            self._listener.malformed(eio_sid)
            await self.cut(eio_sid)
            return
        if complete is not None:
            await self._dispatch(eio_sid, complete)

    def _complete(self, eio_sid: str, data: str | bytes) -> StrictPacket | None:
        """The packet that this frame completes; raises what MALFORMED lists."""
        waiting = self._binary_packet.pop(eio_sid, None)
        if waiting is not None:
            waiting.add_attachment(data)
            return _checked(waiting)
        if not data:
            raise ValueError("an empty packet")
        arrived = StrictPacket.arrived(data)
        connected = self.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is not None
        first = arrived.packet_type == packet.CONNECT and arrived.namespace in {None, NAMESPACE}
        if connected == first:
            raise ValueError("CONNECT comes once and first")
        if arrived.packet_type in {packet.BINARY_EVENT, packet.BINARY_ACK}:
            self._binary_packet[eio_sid] = arrived
            return None
        return _checked(arrived)

    async def _dispatch(self, eio_sid: str, arrived: StrictPacket) -> None:
        match arrived.packet_type:
            case packet.CONNECT:
                await self._handle_connect(eio_sid, arrived.namespace, arrived.data)
                if eio_sid not in self.eio.sockets:  # it ended while its token was looked up
                    await self._handle_disconnect(eio_sid, NAMESPACE)
                elif self.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is not None:
                    self._admit(eio_sid)
            case packet.DISCONNECT:
                await self._handle_disconnect(eio_sid, NAMESPACE)
                self.eio.admitted.discard(eio_sid)
                self._expect_connect(eio_sid)
            case packet.EVENT | packet.BINARY_EVENT:
                await self._listener.event(eio_sid, arrived.data[0], arrived.data[1:])
            case _:
                log.debug("socket %s acknowledged something we never asked for", eio_sid)

    def _admit(self, eio_sid: str) -> None:
        if (timer := self._pending.pop(eio_sid, None)) is not None:
            timer.cancel()
        self.eio.admitted.add(eio_sid)
        self._listener.connected(eio_sid)

    def _expect_connect(self, eio_sid: str) -> None:
        loop = asyncio.get_running_loop()
        self._pending[eio_sid] = loop.call_later(CONNECT_TIMEOUT_S, self._reap, eio_sid)
        if len(self._pending) > MAX_PENDING:
            oldest = next(iter(self._pending))
            self._pending[oldest].cancel()
            self._reap(oldest)

    def _reap(self, eio_sid: str) -> None:
        if self._pending.pop(eio_sid, None) is not None:
            log.info("closing socket %s: no CONNECT", eio_sid)
            self._tasks.start(self.cut(eio_sid), "reap")

    async def _on_connect(self, sid: str, _environ: dict[str, Any], auth: object) -> None:
        eio_sid = self.manager.eio_sid_from_sid(sid, NAMESPACE)
        refusal = await self._listener.connecting(eio_sid, auth)
        if refusal is not None:
            raise socketio.exceptions.ConnectionRefusedError(refusal["message"], refusal)

    async def _on_disconnect(self, sid: str, _reason: str) -> None:
        self._listener.disconnected(self.manager.eio_sid_from_sid(sid, NAMESPACE))


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _checked(arrived: StrictPacket) -> StrictPacket:
    if arrived.namespace is not None and len(arrived.namespace) > _LONGEST_NAMESPACE:
        raise ValueError("a namespace that is too long")
    if arrived.packet_type in {packet.EVENT, packet.BINARY_EVENT}:
        data = arrived.data
        if arrived.namespace not in {None, NAMESPACE} or not isinstance(data, list) or not data:
            raise ValueError("an event without a name, or for another namespace")
        if not isinstance(data[0], str):
            raise TypeError("an event whose name is not text")
    elif arrived.packet_type == packet.CONNECT_ERROR or arrived.packet_type > packet.BINARY_ACK:
        raise ValueError("a packet that only servers send")
    return arrived
