"""A planned chunk becomes one complete WebM file that plays alone.

Sources: Matroska (RFC 9559) for CodecDelay and DiscardPadding, RFC 7845 for OpusHead. CodecDelay
and OpusHead's pre-skip say the same: 312 samples in the first chunk, else the whole pre-roll.
"""

import io
import struct
from fractions import Fraction
from functools import cache
from typing import Final

import av
import numpy as np
from av.packet import PacketSideData

from scribe_desktop.capture.cutter import PlannedChunk
from scribe_desktop.errors import AudioError
from scribe_desktop.model import ENCODER_DELAY, PACKET_SAMPLES, SAMPLE_RATE

_BIT_EXACT: Final = {"fflags": "+bitexact"}
_TIME_BASE: Final = Fraction(1, SAMPLE_RATE)
_SAMPLE_NS: Final = Fraction(1_000_000_000, SAMPLE_RATE)
_CODEC_DELAY: Final = b"\x56\xaa"
_SEEK_PRE_ROLL: Final = b"\x56\xbb\x84\x04\xc4\xb4\x00"
_VOID_OF_6: Final = b"\xec\x84\x00\x00\x00\x00"


def chunk_file(chunk: PlannedChunk, *, channels: int) -> bytes:
    """The chunk as a WebM file; the same chunk always gives the same bytes.

    Raises:
        AudioError: FFmpeg cannot write it.
    """
    delay = len(chunk.pre_roll) * PACKET_SAMPLES or ENCODER_DELAY
    packets = (*chunk.pre_roll, *chunk.packets)
    try:
        return _muxed(packets, channels, delay, chunk.discard)
    except av.error.FFmpegError as error:
        raise AudioError(
            "A part of the recording cannot be written", f"FFmpeg says: {error}.", ""
        ) from error


def _muxed(packets: tuple[bytes, ...], channels: int, delay: int, discard: int) -> bytes:
    output = io.BytesIO()
    with (
        av.open(io.BytesIO(_template(channels, delay)), "r") as template,
        av.open(output, "w", format="webm", container_options=_BIT_EXACT) as container,
    ):
        stream = container.add_stream_from_template(template.streams.audio[0])
        for index, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream = stream
            packet.time_base = _TIME_BASE
            packet.pts = packet.dts = index * PACKET_SAMPLES - delay
            packet.duration = PACKET_SAMPLES
            if discard and index == len(packets) - 1:
                packet.set_sidedata(_discard(discard))
            container.mux(packet)
    return output.getvalue()


def _discard(samples: int) -> PacketSideData:
    """FFmpeg's AV_PKT_DATA_SKIP_SAMPLES: skip at the start, skip at the end, two reasons."""
    with av.open(io.BytesIO(_template(1, ENCODER_DELAY)), "r") as template:
        last = [packet for packet in template.demux(audio=0) if packet.size][-1]
        data = last.get_sidedata("skip_samples")
    data.update(struct.pack("<IIBB", 0, samples, 0, 0))
    return data


@cache
def _template(channels: int, delay: int) -> bytes:
    """A tiny WebM whose track says `delay`: PyAV takes the delay of a new file only from one."""
    layout = "mono" if channels == 1 else "stereo"
    output = io.BytesIO()
    with av.open(output, "w", format="webm", container_options=_BIT_EXACT) as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout=layout)
        silence = np.zeros((1, PACKET_SAMPLES * channels), np.int16)
        frame = av.AudioFrame.from_ndarray(silence, format="s16", layout=layout)
        frame.sample_rate = SAMPLE_RATE
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = output.getvalue()
    return data if delay == ENCODER_DELAY else _with_delay(data, channels, delay)


def _with_delay(data: bytes, channels: int, delay: int) -> bytes:
    """The same file with another delay; every element keeps its place and the file its size."""
    old_ns, new_ns = (int(samples * _SAMPLE_NS) for samples in (ENCODER_DELAY, delay))
    head = b"OpusHead\x01" + bytes([channels])
    changes = {
        _CODEC_DELAY + b"\x83" + old_ns.to_bytes(3) + _SEEK_PRE_ROLL: (
            _CODEC_DELAY + b"\x84" + new_ns.to_bytes(4) + _VOID_OF_6
        ),
        head + struct.pack("<H", ENCODER_DELAY): head + struct.pack("<H", delay),
    }
    for old, new in changes.items():
        if data.count(old) != 1:
            raise AudioError(
                "A part of the recording cannot be written",
                "This version of FFmpeg lays WebM files out differently.",
                "Install the version of PyAV that Scribe was tested with.",
            )
        data = data.replace(old, new)
    return data
