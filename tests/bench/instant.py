"""Servers that acknowledge at once and store nothing: what the transport alone costs.

`python -m tests.bench.instant socketio PORT`: python-socketio on aiohttp and uvloop, as ours is.
`python -m tests.bench.instant thin PORT`: the same packets by hand on picows: the least that a
Python server can do.
"""

import asyncio
import sys
from typing import Any

import msgspec
import socketio
import uvloop
from aiohttp import web
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

HOST = "127.0.0.1"
OPEN = b'0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":8000000}'
decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode


def answer(chunk: dict[str, Any]) -> dict[str, Any]:
    """What the client is told."""
    return {"sequence": chunk["sequence"], "duplicate": False, "canAccept": True}


async def serve_socketio(port: int) -> None:
    """The stock server with the cheapest settings."""
    sio = socketio.AsyncServer(
        async_mode="aiohttp", transports=["websocket"], max_http_buffer_size=8_000_000
    )

    async def chunk(_: str, payload: dict[str, Any]) -> dict[str, Any]:
        assert isinstance(payload["audio"], bytes)
        return answer(payload)

    sio.on("audio-chunk", chunk)
    application = web.Application()
    sio.attach(application)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, HOST, port, backlog=4096).start()
    await asyncio.Event().wait()


class Thin(WSListener):
    """One connection: a chunk's head, then its bytes, then the ack."""

    def __init__(self) -> None:
        self._head = b""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Say hello."""
        transport.send(WSMsgType.TEXT, OPEN)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Read one packet."""
        if frame.msg_type is WSMsgType.BINARY:
            audio = frame.get_payload_as_bytes()
            number, _, event = self._head.partition(b"[")
            _, payload = decode(b"[" + event)
            assert payload["size"] <= len(audio)
            packet = b"43" + number.removeprefix(b"451-") + encode([answer(payload)])
            transport.send(WSMsgType.TEXT, packet)
        elif frame.msg_type is WSMsgType.TEXT:
            packet = frame.get_payload_as_bytes()
            if packet.startswith(b"40"):
                transport.send(WSMsgType.TEXT, b'40{"sid":"x"}')
            else:
                self._head = packet
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()


async def serve_thin(port: int) -> None:
    """The same by hand."""
    server = await ws_create_server(lambda _: Thin(), HOST, port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    kind, number = sys.argv[1:]
    uvloop.run({"socketio": serve_socketio, "thin": serve_thin}[kind](int(number)))
