"""A thin Socket.IO client over one WebSocket: the only module that knows picows.

Sources: Engine.IO protocol 4 and Socket.IO protocol 5 (socket.io/docs). WebSocket from the first
request on, the default namespace, no compression, events with one binary attachment at most.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec
import picows
from picows import WSFrame, WSListener, WSMsgType, WSTransport
from typing_extensions import override

_PATH: Final = "/socket.io/?EIO=4&transport=websocket"
_PLACEHOLDER: Final = {"_placeholder": True, "num": 0}
_TEXT: Final = WSMsgType.TEXT
_BINARY: Final = WSMsgType.BINARY
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


class ConnectError(Exception):
    """There is no connection; `code` is the server's word for why (`unreachable` without one)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Listener(Protocol):
    """Who is told what a connection brings; every method is called from the event loop."""

    def on_event(self, name: str, payload: Any) -> None:
        """The server sent an event; `payload` is its first argument (None without one)."""

    def on_ack(self, number: int, arguments: list[Any]) -> None:
        """The server answered the event that was sent with this number."""

    def on_writable(self, writable: bool) -> None:
        """Whether more should be sent now: the operating system's buffer is full or not."""

    def on_end(self) -> None:
        """The connection has ended, by whoever's wish; nothing comes after this."""


class Client(WSListener):
    """One connection. Sending never waits: what the network does not take yet is buffered."""

    def __init__(self, listener: Listener, auth: Mapping[str, Any]) -> None:
        self._listener = listener
        self._hello = b"40" + _encode(auth)
        self._transport: WSTransport | None = None
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._numbers = 0

    @classmethod
    async def connect(
        cls, url: str, auth: Mapping[str, Any], listener: Listener, *, timeout_s: float = 60.0
    ) -> Self:
        """A connection that the server has accepted.

        Args:
            url: the server's origin, http or https.
            auth: the `auth` of the Socket.IO CONNECT packet.
            listener: who is told what comes; also what comes before this returns.
            timeout_s: for TCP, WebSocket and CONNECT together.

        Raises:
            ConnectError: the server is not there, or refused.
        """
        client = cls(listener, auth)
        try:
            async with asyncio.timeout(timeout_s):
                await picows.ws_connect(
                    lambda: client, websocket_url(url), websocket_handshake_timeout=timeout_s
                )
                await client._connected
        except (OSError, TimeoutError, picows.WSError) as error:
            client.cut()
            raise ConnectError("unreachable", str(error) or type(error).__name__) from error
        except BaseException:
            client.cut()
            raise
        return client

    def send_event(self, name: str, payload: object, *, ack: bool = False) -> int | None:
        """Send an event; with `ack` the number that the server's acknowledgement will carry."""
        number = self._number() if ack else None
        self._send(b"42" if number is None else b"42%d" % number, [name, payload])
        return number

    def send_chunk(
        self, name: str, fields: Mapping[str, Any], audio: bytes, *, ack: bool = False
    ) -> int | None:
        """Send an event whose payload is `fields` with `audio` as its one attachment."""
        number = self._number() if ack else None
        head = b"451-" if number is None else b"451-%d" % number
        transport = self._send(head, [name, {**fields, "audio": _PLACEHOLDER}])
        if transport is not None:
            transport.send(_BINARY, audio)
        return number

    def cut(self) -> None:
        """Drop the TCP connection without a word, as a lost network does."""
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    def close(self) -> None:
        """Say goodbye and close."""
        if self._transport is not None:
            self._transport.send(_TEXT, b"41")
            self._transport.disconnect()

    # ----------------------------------------------------------------- called by picows

    @override
    def on_ws_connected(self, transport: WSTransport) -> None:
        """The WebSocket is there; the server speaks first."""
        self._transport = transport

    @override
    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """The TCP connection has ended."""
        self._transport = None
        if self._connected.done():
            self._listener.on_end()
        else:
            self._refuse("unreachable", "the connection ended before it was accepted")

    @override
    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._listener.on_writable(False)

    @override
    def resume_writing(self) -> None:
        """The transport's buffer has room again."""
        self._listener.on_writable(True)

    @override
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Read one packet. Events come far more often than anything else."""
        if frame.msg_type is not _TEXT:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()
            return
        packet = frame.get_payload_as_bytes()
        match packet[:2]:
            case b"42":
                name, *arguments = _decode(packet[packet.index(b"[") :])
                self._listener.on_event(name, arguments[0] if arguments else None)
            case b"43":
                start = packet.index(b"[")
                self._listener.on_ack(int(packet[2:start]), _decode(packet[start:]))
            case b"2":
                transport.send(_TEXT, b"3")
            case b"41" | b"1":
                transport.disconnect()
            case _:
                self._greeted(transport, packet)

    # -------------------------------------------------------------------------- private

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _send(self, head: bytes, arguments: list[object]) -> WSTransport | None:
        transport = self._transport
        if transport is not None:
            transport.send(_TEXT, head + _encode(arguments))
        return transport

    def _greeted(self, transport: WSTransport, packet: bytes) -> None:
        """The packets with which a connection begins."""
        if packet.startswith(b"0"):
            transport.send(_TEXT, self._hello)
        elif packet.startswith(b"40") and not self._connected.done():
            self._connected.set_result(None)
        elif packet.startswith(b"44"):
            self._refused(packet[2:])

    def _refused(self, body: bytes) -> None:
        said = _decode(body)
        data = said.get("data") if isinstance(said, dict) else None
        code = data.get("code") if isinstance(data, dict) else None
        message = said.get("message") if isinstance(said, dict) else None
        self._refuse(str(code or "refused"), str(message or said))

    def _refuse(self, code: str, message: str) -> None:
        if not self._connected.done():
            self._connected.set_exception(ConnectError(code, message))


def websocket_url(url: str) -> str:
    """The address of the Engine.IO WebSocket of an http or https origin."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}[parts.scheme]
    return urlunsplit((scheme, parts.netloc, "", "", "")) + _PATH
