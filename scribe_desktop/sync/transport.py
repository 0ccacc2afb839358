"""The one door to python-socketio: a Socket.IO connection that can be cut and never redirects."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, Never

import aiohttp
import socketio
from engineio.exceptions import EngineIOError
from socketio.exceptions import SocketIOError
from typing_extensions import override

from scribe_desktop.errors import UnreachableError
from scribe_desktop.sync.counting import CountingSocket
from scribe_desktop.sync.link import (
    MOST_EARLY,
    MOST_QUEUED,
    ConnectRefusedError,
    NoWebSocketError,
    Patience,
    Progress,
)
from scribe_desktop.sync.tasks import Tasks
from scribe_server import protocol

CLOSE_S: Final = 1.0
"""A polite close may take so long; with data queued it might never end."""
_REQUEST_S: Final = 60.0
_PIECE_BYTES: Final = 65_536

_FOREIGN: Final = (
    SocketIOError,
    EngineIOError,
    aiohttp.ClientError,
    OSError,
    TimeoutError,
    # What the library raises for an answer that is not Engine.IO at all.
    ValueError,
    TypeError,
    LookupError,
)

# Its errors reach us as a lost connection; its own words for them are noise.
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)


class TextPacket(socketio.packet.Packet):  # type: ignore[misc] # the library has no types
    """A packet as our servers send them: without attachments, and without a wish for an answer.

    A client collects what is announced, without a limit, and answers as often as it is asked.
    """

    @override
    def decode(self, encoded_packet: Any) -> int:
        """Take a packet apart; how many attachments follow: none.

        Raises:
            ValueError: there are attachments.
        """
        if super().decode(encoded_packet):
            raise ValueError("attachments are not for us")
        if self.packet_type == socketio.packet.EVENT:
            self.id = None
        return 0


class Client(socketio.AsyncClient):  # type: ignore[misc] # the library has no types
    """The library's client, to which a message of no sense is no message at all."""

    @override
    async def _handle_eio_message(self, data: Any) -> None:
        # Otherwise each of them ends a task and writes a traceback.
        try:
            await super()._handle_eio_message(data)
        except (ValueError, TypeError, LookupError, RecursionError):
            _library_log.debug("a message of no sense", exc_info=True)


class LimitedResponse(aiohttp.ClientResponse):
    """An answer whose body has a limit; long polling would read a body of any length."""

    @override
    async def read(self) -> bytes:
        """The body.

        Raises:
            aiohttp.ClientPayloadError: it is too long.
        """
        body = bytearray()
        async for piece in self.content.iter_chunked(_PIECE_BYTES):
            body += piece
            if len(body) > protocol.MAX_MESSAGE_BYTES:
                self.close()
                raise aiohttp.ClientPayloadError("the answer is too long")
        return bytes(body)


class SocketIoConnection:
    """One Socket.IO connection to one origin (see link.Connection)."""

    def __init__(self, on_event: Callable[[str, Any], None], on_down: Callable[[], None]) -> None:
        self._on_event = on_event
        self._on_down = on_down
        self._sockets: list[CountingSocket] = []
        self._responses: list[aiohttp.ClientResponse] = []
        self._refusal: object = None
        self._answered = asyncio.Event()
        self._early: list[tuple[str, Any]] | None = []
        self._session: aiohttp.ClientSession | None = None
        self._sio: Any = None
        self._outbox: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._tasks = Tasks(lambda _: self._ended(None))
        self._closed = False
        self._is_down = False

    async def connect(
        self, origin: str, auth: protocol.ConnectAuth, patience: Patience, *, polling: bool
    ) -> None:
        """Connect and deliver events from then on.

        Raises:
            ConnectRefusedError: the server refused, with its code.
            UnreachableError: nobody answered in time, or not as a Scribe server does.
        """
        self._session = _session(self._make_socket, patience, self._trace(polling=polling))
        self._sio = self._client(self._session)
        try:
            async with asyncio.timeout(patience.whole_s):
                await self._sio.connect(
                    origin,
                    auth=protocol.to_wire(auth),
                    transports=["polling"] if polling else ["websocket"],
                    wait=False,
                )
                await self._answer()
        except _FOREIGN as error:
            await self.close()
            raise self._failure(origin, error) from error
        except BaseException:
            await self.close()
            raise
        self._begin()

    def send(self, event: str, data: dict[str, Any]) -> None:
        """Queue an event; what cannot be sent any more is dropped with the connection."""
        if self._outbox.qsize() >= MOST_QUEUED:
            self.cut()
            return
        self._outbox.put_nowait((event, data))

    def progress(self) -> Progress:
        """What has passed so far."""
        sockets = self._sockets
        return Progress(
            sum(each.received for each in sockets), sum(each.confirmed() for each in sockets)
        )

    def cut(self) -> None:
        """Shut the sockets down at once; a polite goodbye could wait for ever."""
        for each in self._sockets:
            each.cut()

    async def close(self) -> None:
        """End the connection and free everything."""
        if self._closed:
            return
        self._closed = True
        await self._tasks.cancel()
        if self._sio is not None and self._sio.eio.state == "connected":
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._sio.disconnect()
            except Exception:  # noqa: BLE001 - however its tasks end, the connection is thrown away
                _library_log.debug("the connection was cut instead of closed", exc_info=True)
        self.cut()
        await self._settled()
        for response in self._responses:  # the library lets go of one that hung up before OPEN
            response.close()
        if self._session is not None:
            await self._session.close()

    async def _answer(self) -> None:
        """Wait until the server has let us in; stock waits on when the connection is lost first."""
        self._sio.eio.read_loop_task.add_done_callback(lambda _: self._answered.set())
        await self._answered.wait()
        is_in = "/" in self._sio.namespaces and self._sio.eio.state == "connected"
        if self._closed or not is_in:
            raise ConnectionResetError("it hung up at once")

    async def _settled(self) -> None:
        """Wait for the library's own tasks, which end once the socket is shut."""
        if self._sio is None:
            return
        eio = self._sio.eio
        running = [task for task in (eio.read_loop_task, eio.write_loop_task) if task]
        running = [task for task in running if not task.done()]
        if running:
            _, late = await asyncio.wait(running, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _begin(self) -> None:
        eio = self._sio.eio
        eio.read_loop_task.add_done_callback(self._ended)
        self._tasks.spawn(self._write(), "sync-writer")
        early, self._early = self._early or [], None
        for name, data in early:
            self._on_event(name, data)

    def _ended(self, reading: "asyncio.Task[None] | None") -> None:
        if reading is not None and not reading.cancelled() and reading.exception() is not None:
            _library_log.debug("reading ended", exc_info=reading.exception())
        if not self._closed and not self._is_down and self._early is None:
            self._is_down = True
            self._on_down()

    async def _write(self) -> None:
        while True:
            event, data = await self._outbox.get()
            try:
                await self._sio.emit(event, data)
            except SocketIOError:
                # The read loop has ended or is about to; `on_down` says so.
                return

    def _receive(self, name: str, data: Any = None, *_: Any) -> None:
        if self._early is not None:
            if len(self._early) >= MOST_EARLY:
                self.cut()
                return
            self._early.append((name, data))
        elif not self._closed:
            self._on_event(name, data)

    def _refused(self, data: object = None, *_: Any) -> None:
        self._refusal = data
        self._answered.set()

    def _client(self, session: aiohttp.ClientSession) -> Any:
        client = Client(
            reconnection=False,
            logger=_library_log,
            engineio_logger=_library_log,
            http_session=session,
            request_timeout=_REQUEST_S,
            handle_sigint=False,
            serializer=TextPacket,
            websocket_extra_options={
                "max_msg_size": protocol.MAX_MESSAGE_BYTES,
                "compress": 0,
                "timeout": aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
            },
        )
        client.on("*", self._receive)
        client.on("connect", self._answered.set)
        client.on("connect_error", self._refused)
        # After the server's goodbye the read loop may wait 30 s for the write loop.
        client.on("disconnect", lambda *_: self._ended(None))
        return client

    def _trace(self, *, polling: bool) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._keep_response)
        trace.on_request_redirect.append(_refuse_redirect)
        if not polling:
            trace.on_connection_create_start.append(_OneConnection())
        return trace

    async def _keep_response(
        self, _session: object, _context: object, ended: aiohttp.TraceRequestEndParams
    ) -> None:
        self._responses = [each for each in self._responses if each.connection is not None]
        self._responses.append(ended.response)

    def _make_socket(self, address: Any) -> socket.socket:
        family, kind, number, _, _ = address
        made = CountingSocket(family, kind, number)
        self._sockets = [each for each in self._sockets if each.fileno() >= 0]
        self._sockets.append(made)
        return made

    def _failure(self, origin: str, error: Exception) -> UnreachableError | ConnectRefusedError:
        # The exception of connect() has no code: it is in what the connect_error handler saw.
        refusal = self._refusal
        data = refusal.get("data") if isinstance(refusal, dict) else None
        if isinstance(data, dict) and isinstance(data.get("code"), str):
            return ConnectRefusedError(data["code"], str(data.get("message", "")))
        kind = NoWebSocketError if _is_http_without_websocket(error) else UnreachableError
        return kind(
            "The server is out of reach",
            f"{origin} does not answer ({str(error) or type(error).__name__}).",
            "Nothing is lost: sending goes on as soon as it is back.",
        )


def _is_http_without_websocket(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, aiohttp.WSServerHandshakeError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _session(
    make_socket: Callable[[Any], socket.socket], patience: Patience, trace: aiohttp.TraceConfig
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=make_socket, use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=patience.connect_s),
        response_class=LimitedResponse,
        trace_configs=[trace],
        trust_env=False,
    )


class _OneConnection:
    """Refuses a second connection: aiohttp makes one at once when the first is reset.

    An attempt that counts as one must not knock twice, or a herd is twice as large.
    """

    def __init__(self) -> None:
        self._made = False

    async def __call__(self, *_: object) -> None:
        if self._made:
            raise aiohttp.ClientConnectionError("it hung up at once")
        self._made = True


async def _refuse_redirect(*_: object) -> Never:
    # The token belongs to one origin; another one must not even be asked.
    raise aiohttp.ClientConnectionError("it redirects elsewhere, which is never followed")
