"""Serving one Engine.IO socket over one WebSocket, in the place of engineio's own loop.

Stock runs two tasks per socket, makes a third for every frame, and keeps the last frame alive until
the next one comes: with 10 000 sockets that is a gigabyte of chunks stored long ago.
Source of the frames: Engine.IO protocol 4 (socket.io/docs, "Engine.IO protocol").
"""

import logging
from typing import Any, Final

from aiohttp import WSMessage, WSMsgType
from engineio import packet

from scribe_server.sockets.outbox import Outbox
from scribe_server.sockets.packets import is_text_frame
from scribe_server.sockets.websocket import WebSocket

log = logging.getLogger(__name__)

_PROBE: Final = "2probe"
_PROBED: Final = "3probe"
_UPGRADE: Final = "5"
_NOOP: Final = 6


class Connection:
    """One socket of the engine and the WebSocket that it uses from now on."""

    def __init__(self, engine: Any, socket: Any, frames: WebSocket) -> None:
        self._engine = engine
        self._socket = socket
        self._frames = frames

    async def serve(self) -> None:
        """Hand every frame to the engine until the connection ends."""
        if not await self._opened():
            return
        self._take_over()
        try:
            await self._read()
        except OSError as error:  # how the WebSocket says that it has ended
            log.debug("socket %s: %s", self._socket.sid, error)
        except Exception:  # a bug must cost one socket, and not leave it open and mute
            log.exception("socket %s met a bug", self._socket.sid)
            self._frames.abort()
        finally:
            self._socket.queue.put_nowait(None)
            reason = self._engine.reason.TRANSPORT_CLOSE
            await self._socket.close(wait=False, abort=True, reason=reason)

    async def _opened(self) -> bool:
        """Whether the WebSocket is the socket's transport, at once or after probe and upgrade."""
        socket = self._socket
        if not socket.connected:
            socket.connected = socket.upgraded = True
            return True
        socket.upgrading = True
        try:
            socket.upgraded = await self._probed()
        except OSError:
            socket.upgraded = False
        finally:
            socket.upgrading = False
        return bool(socket.upgraded)

    async def _probed(self) -> bool:
        if await self._text() != _PROBE:
            return False
        await self._frames.send(_PROBED)
        await self._socket.queue.put(packet.Packet(_NOOP))  # ends the poll that waits
        return await self._text() == _UPGRADE

    async def _text(self) -> str | None:
        message = await self._frames.receive()
        return str(message.data) if message.type is WSMsgType.TEXT else None

    def _take_over(self) -> None:
        before = self._socket.queue
        self._socket.queue = Outbox(self._frames, self._engine.tasks)
        while not before.empty():
            self._socket.queue.put_nowait(before.get_nowait())

    async def _read(self) -> None:
        receive, sid = self._frames.receive, self._socket.sid
        on_message = self._engine.handlers["message"]
        while not self._socket.closed:
            message: WSMessage | None = await receive()
            assert message is not None
            if message.type is WSMsgType.BINARY:
                data: bytes | str | None = bytes(message.data)
            else:
                data = self._control(str(message.data))
            message = None
            if data is not None:
                await on_message(sid, data)
            data = None  # else it would be kept until the next frame

    def _control(self, frame: str) -> str | None:
        """The message in a text frame; other frames are the engine's and are dealt with."""
        if not is_text_frame(frame):
            self._frames.abort()  # a polite close would wait for its answer
            raise OSError("not an Engine.IO frame")
        match frame[0]:
            case "4":
                return frame[1:]
            case "3":
                self._socket.schedule_ping()
            case "1":
                raise OSError("closed by the client")
            case _:
                log.debug("socket %s sent a %s that is not due", self._socket.sid, frame[0])
        return None
