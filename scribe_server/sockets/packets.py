"""What may come in at all: Engine.IO frames, polling bodies, Socket.IO packets.

Sources: Engine.IO protocol 4 and Socket.IO protocol 5 (socket.io/docs). The stock classes trust
their input: they allow billions of attachments, wait for ever for one with a bad placeholder, and
write a traceback per broken frame. Everything here raises ValueError or TypeError at once.
"""

import re
from typing import Any

import msgspec
from socketio import packet

MAX_POLLING_PACKETS = 10_000
"""In one request body. The stock limit of 16 is too small: a client that has fallen behind sends
all that it has buffered at once, up to the `maxPayload` it was told."""
_SHORT_FRAME = 8
_EVENT_WITH_ATTACHMENT = "51-["
_BASE64 = re.compile(r"b(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")

MALFORMED = (ValueError, TypeError, LookupError, RecursionError)
"""What decoding hostile input raises."""


class StrictJson:
    """JSON as RFC 8259 has it (no NaN, no lone surrogates), in the shape socketio asks for."""

    @staticmethod
    def loads(text: str, **_options: Any) -> Any:
        """Decode; raises ValueError or RecursionError."""
        return msgspec.json.decode(text)

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        """Encode without spaces."""
        return msgspec.json.encode(value).decode()


class StrictPacket(packet.Packet):  # type: ignore[misc] # socketio has no types
    """A Socket.IO packet with one attachment at most, where its placeholder says."""

    json = StrictJson

    @classmethod
    def arrived(cls, frame: object) -> "StrictPacket":
        """The packet that a frame begins; the commonest kind without the general parser."""
        if not isinstance(frame, str) or not frame.startswith(_EVENT_WITH_ATTACHMENT):
            return cls(encoded_packet=frame)
        made = cls(packet.BINARY_EVENT, msgspec.json.decode(frame[3:]), binary=False)
        made.attachment_count = 1
        return made

    def decode(self, encoded_packet: object) -> int:
        """Parse the text part; returns how many attachments follow (0 or 1)."""
        if not isinstance(encoded_packet, str):
            raise TypeError("a binary frame that nothing announced")
        count = int(super().decode(encoded_packet))
        binary = self.packet_type in {packet.BINARY_EVENT, packet.BINARY_ACK}
        if count != int(binary):
            raise ValueError(f"{count} attachments")
        return count

    def add_attachment(self, attachment: object) -> bool:
        """Take the announced attachment; returns that the packet is complete."""
        if not isinstance(attachment, bytes):
            raise TypeError("text where the attachment was due")
        return bool(super().add_attachment(attachment))

    @classmethod
    def reconstruct_binary(cls, data: Any, attachments: list[bytes]) -> Any:
        """Put the attachment at its placeholder, which must be there exactly once."""
        if fill(data, attachments[0]) != 1:
            raise ValueError("an attachment has one placeholder")
        return data


def fill(data: Any, attachment: bytes) -> int:
    """Put the attachment at its placeholders inside of decoded JSON; gives how many there were."""
    places = data.items() if isinstance(data, dict) else enumerate(data)
    filled = 0
    for place, value in places:
        if not isinstance(value, dict | list):
            continue
        if isinstance(value, list) or value.get("_placeholder") is not True:
            filled += fill(value, attachment)
        elif value.get("num") != 0 or isinstance(value["num"], bool):
            raise ValueError("a placeholder without an attachment")
        else:
            data[place] = attachment
            filled += 1
    return filled


def is_text_frame(frame: str) -> bool:
    """Whether a text frame is one that a client may send: close, ping, pong, message, upgrade."""
    if frame.startswith("4"):
        return frame[1:2] in {"0", "1", "2", "3", "5", "6"}
    return frame != "" and frame[0] in "1235" and len(frame) <= _SHORT_FRAME


def check_polling_body(body: bytes) -> None:
    """Raise ValueError unless a POSTed body is a payload of well-formed packets."""
    if body.count(b"\x1e") >= MAX_POLLING_PACKETS:
        raise ValueError("too many packets in one request")
    for frame in body.decode("utf-8").split("\x1e"):
        if not (is_text_frame(frame) or _BASE64.fullmatch(frame)):
            raise ValueError("not an Engine.IO packet")
