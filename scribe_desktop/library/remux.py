"""Packets into one WebM or Ogg file, without re-encoding (PyAV)."""

import struct
from collections.abc import Iterable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Final

import av
from av.packet import PacketSideData

from scribe_desktop.model import ENCODER_DELAY, PACKET_SAMPLES, SAMPLE_RATE

_BIT_EXACT: Final = {"fflags": "+bitexact"}
_TIME_BASE: Final = Fraction(1, SAMPLE_RATE)


def write_container(
    path: Path, kind: str, first_chunk: bytes, packets: Iterable[bytes], total_samples: int
) -> None:
    """Write all packets of a session as one file of `kind` (webm, ogg).

    The first chunk's file says what the track is. The end is trimmed to `total_samples`: WebM by
    DiscardPadding (RFC 9559), Ogg by the last page's granule position (RFC 7845, 4.4).

    Raises:
        av.error.FFmpegError: the file cannot be written.
    """
    with (
        av.open(BytesIO(first_chunk), "r") as template,
        av.open(str(path), "w", format=kind, container_options=_BIT_EXACT) as container,
    ):
        stream = container.add_stream_from_template(template.streams.audio[0])
        for index, data in enumerate(packets):
            start = index * PACKET_SAMPLES - ENCODER_DELAY
            discard = max(0, start + PACKET_SAMPLES - total_samples)
            packet = av.Packet(data)
            packet.stream = stream
            packet.time_base = _TIME_BASE
            packet.pts = packet.dts = start
            packet.duration = PACKET_SAMPLES
            if discard and kind == "ogg":
                packet.duration = PACKET_SAMPLES - discard
            elif discard:
                packet.set_sidedata(_trimmed(discard))
            container.mux(packet)


def _trimmed(samples: int) -> PacketSideData:
    """FFmpeg's AV_PKT_DATA_SKIP_SAMPLES: skip at the start, skip at the end, two reasons.

    PyAV cannot make such data, only change some that is there: an encoder that is given one
    sample attaches it to its last packet.
    """
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = SAMPLE_RATE
    context.layout = "mono"
    context.format = "s16"
    context.time_base = _TIME_BASE
    frame = av.AudioFrame(format="s16", layout="mono", samples=1)
    frame.sample_rate = SAMPLE_RATE
    frame.pts = 0
    last = [*context.encode(frame), *context.encode(None)][-1]
    data = last.get_sidedata("skip_samples")
    data.update(struct.pack("<IIBB", 0, samples, 0, 0))
    return data
