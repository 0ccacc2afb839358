"""Messages between a client's and a server's process: one question, then all its answers."""

import socket
import struct
from typing import Any

import msgspec

from scribe_server import protocol
from scribe_server.protocol import Event, Payload
from tests.faults.model.server import Message

_LENGTH = struct.Struct(">I")
_KINDS: dict[str, type[Payload]] = {
    Event.START_SESSION: protocol.StartSession,
    Event.AUDIO_CHUNK: protocol.AudioChunk,
    Event.STOP_SESSION: protocol.StopSession,
    Event.SYNC_CHECK: protocol.SyncCheck,
    Event.SESSION_STARTED: protocol.SessionStarted,
    Event.SESSION_STOPPED: protocol.SessionStopped,
    Event.SESSION_INCOMPLETE: protocol.SessionIncomplete,
    Event.SESSION_ERROR: protocol.SessionError,
    Event.SESSION_RECEIPT: protocol.Receipt,
    Event.CHUNK_ACK: protocol.ChunkAck,
    Event.CHUNK_ERROR: protocol.ChunkError,
    Event.SYNC_STATE: protocol.SyncState,
}


class GoneError(Exception):
    """The other process has ended."""


def packed(event: str, payload: Payload) -> list[Any]:
    """A message as plain values."""
    return [str(event), protocol.to_wire(payload)]


def unpacked(message: list[Any]) -> Message:
    """The message that plain values stand for."""
    name, fields = message
    return Event(name), protocol.parse(fields, _KINDS[name])


def put(line: socket.socket, value: Any) -> None:
    """Send plain values.

    Raises:
        GoneError: nobody is there.
    """
    data = msgspec.msgpack.encode(value)
    try:
        line.sendall(_LENGTH.pack(len(data)) + data)
    except ConnectionError as error:
        raise GoneError from error


def get(line: socket.socket) -> Any:
    """What came.

    Raises:
        GoneError: nobody is there any more.
    """
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size))
    return msgspec.msgpack.decode(_exactly(line, length))


def _exactly(line: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        try:
            part = line.recv(length - len(data))
        except ConnectionError as error:
            raise GoneError from error
        if not part:
            raise GoneError
        data += part
    return data
