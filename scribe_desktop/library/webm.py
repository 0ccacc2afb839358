"""Reading a chunk file back: its packets without the pre-roll, and what is trimmed at its end.

CodecDelay (RFC 9559) tells how many packets in front are pre-roll: 312 samples are the encoder's
own delay, every whole 960 are a packet of the chunk before.
"""

import io
import struct
from dataclasses import dataclass

import av
from av.audio.stream import AudioStream

from scribe_desktop.errors import AudioError
from scribe_desktop.model import ENCODER_DELAY, PACKET_SAMPLES

_SKIP_SAMPLES = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class ChunkPackets:
    """The packets of one chunk: `pre_roll` of the chunk before, then its own.

    `head` is the OpusHead (RFC 7845), `discard` the samples trimmed from the last packet.
    """

    head: bytes
    pre_roll: tuple[bytes, ...]
    packets: tuple[bytes, ...]
    discard: int

    @property
    def samples(self) -> int:
        """What the own packets decode to."""
        whole = len(self.packets) * PACKET_SAMPLES - self.discard
        return whole if self.pre_roll else whole - ENCODER_DELAY


def read_chunk(data: bytes) -> ChunkPackets:
    """Take a chunk file apart.

    Raises:
        AudioError: it is no WebM file with one Opus track.
    """
    try:
        with av.open(io.BytesIO(data), "r", format="matroska") as container:
            stream = _opus_stream(container.streams.audio)
            delay = stream.codec_context.delay
            packets = [packet for packet in container.demux(stream) if packet.size]
            discard = _discard_of(packets[-1]) if packets else 0
            held = tuple(bytes(packet) for packet in packets)
            head = bytes(stream.codec_context.extradata or b"")
    except av.error.FFmpegError as error:
        raise _unreadable(str(error)) from error
    before = delay // PACKET_SAMPLES
    return ChunkPackets(head, held[:before], held[before:], discard)


def _opus_stream(streams: tuple[AudioStream, ...]) -> AudioStream:
    if len(streams) != 1 or streams[0].codec_context.name not in {"opus", "libopus"}:
        raise _unreadable("it has no Opus track")
    return streams[0]


def _discard_of(packet: "av.Packet[AudioStream]") -> int:
    if not packet.has_sidedata("skip_samples"):
        return 0
    _, discard = _SKIP_SAMPLES.unpack_from(bytes(packet.get_sidedata("skip_samples")))
    return int(discard)


def _unreadable(reason: str) -> AudioError:
    return AudioError(
        "A part of the recording cannot be read",
        f"This is not one of Scribe's WebM files: {reason}.",
        "If the recording is on a server, it can be fetched from there.",
    )
