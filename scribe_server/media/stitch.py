"""The helper process: parts on stdin become one WebM file in an open descriptor.

It reads what strangers sent, so it locks itself in before the first byte: little memory and CPU
time, and no way to open any file. The server starts it with an empty environment.

Chunks are complete WebM files cut from one continuous Opus encode at packet boundaries; from the
second on they begin with packets of the one before (pre-roll), which CodecDelay counts together
with the encoder's own 312 samples. Packet i of the encode decodes to samples from i * 960 - 312.
Sources: RFC 9559 (Matroska), RFC 7845 (OpusHead), RFC 6716 (Opus packets).
"""

import io
import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from scribe_server.media.framing import frame, frames

if TYPE_CHECKING:
    import av

SAMPLE_RATE: Final = 48_000
PACKET_SAMPLES: Final = 960
ENCODER_DELAY: Final = 312
SILENCE: Final = b"\xf8\xff\xfe"
"""20 ms of silence: a CELT fullband mono packet (RFC 6716, 3.1)."""
MAX_SILENCE: Final = 24 * 3600 * 50
"""At most a day of silence stands in for missing chunks; beyond it the next one just follows."""
MEMORY_BYTES: Final = 1 << 30
CPU_S: Final = 120
EXIT_UNREADABLE: Final = 3

_TIME_BASE: Final = Fraction(1, SAMPLE_RATE)


class UnreadableError(Exception):
    """A part is not a WebM file with one Opus track."""


def stitch(parts: BinaryIO, output: BinaryIO) -> int:
    """Write one WebM with all packets; missing chunks become silence. Returns packets written.

    Raises:
        UnreadableError: a part cannot be read.
    """
    import av

    try:
        return _stitch(parts, output)
    except (av.error.FFmpegError, ValueError) as error:
        raise UnreadableError(str(error)) from error


def _stitch(parts: BinaryIO, output: BinaryIO) -> int:
    import av

    following = 0
    container: Any = None
    stream: Any = None
    try:
        for first_sample, data in frames(parts):
            with av.open(io.BytesIO(data), "r", format="matroska") as source:
                track = _opus_track(source)
                if container is None:
                    container, stream = _begin(output, track)
                start = _packet_index(first_sample, following)
                for index in range(following, start):
                    _mux(container, stream, av.Packet(SILENCE), index)
                following = start
                for packet in _own_packets(source, track):
                    _mux(container, stream, packet, following)
                    following += 1
    finally:
        if container is not None:
            container.close()
    return following


def _packet_index(first_sample: int | None, following: int) -> int:
    if first_sample is None:
        return following
    index = 0 if first_sample == 0 else (first_sample + ENCODER_DELAY) // PACKET_SAMPLES
    # A timeline never goes back, and never far ahead.
    return index if following <= index <= following + MAX_SILENCE else following


def _opus_track(source: Any) -> Any:
    tracks = source.streams.audio
    if len(tracks) != 1 or tracks[0].codec_context.name not in {"opus", "libopus"}:
        raise UnreadableError("it has no Opus track")
    return tracks[0]


def _own_packets(source: Any, track: Any) -> Iterator["av.Packet[Any]"]:
    pre_roll = track.codec_context.delay // PACKET_SAMPLES
    packets = (packet for packet in source.demux(track) if packet.size)
    for number, packet in enumerate(packets):
        if number >= pre_roll:
            yield packet


def _begin(output: BinaryIO, track: Any) -> tuple[Any, Any]:
    import av

    layout = "mono" if track.codec_context.channels == 1 else "stereo"
    container = av.open(output, "w", format="webm", container_options={"fflags": "+bitexact"})
    with av.open(io.BytesIO(_template(layout)), "r") as template:
        return container, container.add_stream_from_template(template.streams.audio[0])


def _template(layout: str) -> bytes:
    """A tiny WebM of our own whose track is what the continuous encode's would be."""
    import av

    output = io.BytesIO()
    with av.open(output, "w", format="webm", container_options={"fflags": "+bitexact"}) as tiny:
        stream = tiny.add_stream("libopus", rate=SAMPLE_RATE, layout=layout)
        sound = av.AudioFrame(format="s16", layout=layout, samples=PACKET_SAMPLES)
        sound.sample_rate = SAMPLE_RATE
        sound.pts = 0
        tiny.mux(stream.encode(sound))
        tiny.mux(stream.encode(None))
    return output.getvalue()


def _mux(container: Any, stream: Any, packet: Any, index: int) -> None:
    packet.stream = stream
    packet.time_base = _TIME_BASE
    packet.pts = packet.dts = index * PACKET_SAMPLES - ENCODER_DELAY
    packet.duration = PACKET_SAMPLES
    container.mux(packet)


def lock_in() -> None:
    """Give up, for good, what this process does not need."""
    # PyAV imports parts of itself on first use: the last files that this process reads.
    stitch(io.BytesIO(frame(0, _template("mono"))), io.BytesIO())
    if sys.platform == "win32":
        return
    import resource

    for name, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        hard = resource.getrlimit(name)[1]
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(name, (allowed, allowed))


def main(descriptor: int) -> int:
    """Stitch stdin into the descriptor; the exit code says how it went."""
    with os.fdopen(descriptor, "w+b") as output, os.fdopen(0, "rb") as parts:
        lock_in()
        try:
            stitch(parts, output)
        except UnreadableError as error:
            sys.stderr.write(f"{error}\n")
            return EXIT_UNREADABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
