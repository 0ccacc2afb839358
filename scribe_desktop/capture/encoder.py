"""The one continuous Opus encoder of a session (libopus through PyAV)."""

from fractions import Fraction
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext

from scribe_desktop.errors import AudioError
from scribe_desktop.model import PACKET_SAMPLES, SAMPLE_RATE

Block = npt.NDArray[np.int16]
"""Samples of shape (frames, channels)."""

_OPTIONS: Final = {
    "application": "voip",
    "vbr": "on",
    "frame_duration": "20",
    "compression_level": "10",
}
_TIME_BASE: Final = Fraction(1, SAMPLE_RATE)


class OpusEncoder:
    """Turns blocks of any length into packets of 20 ms and loses no sample.

    Raises:
        AudioError: this PyAV has no libopus, or it fails.
    """

    def __init__(self, *, channels: int, bitrate: int) -> None:
        self._layout = "mono" if channels == 1 else "stereo"
        self._held: Block = np.zeros((0, channels), np.int16)
        self._fed = 0
        try:
            context = av.CodecContext.create("libopus", "w")
            assert isinstance(context, AudioCodecContext)
            context.sample_rate = SAMPLE_RATE
            context.layout = self._layout
            context.format = "s16"
            context.bit_rate = bitrate
            context.time_base = _TIME_BASE
            context.options = dict(_OPTIONS)
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise _failed(error) from error
        self._context = context

    def encode(self, block: Block) -> list[bytes]:
        """Take samples; the packets that they complete come back."""
        samples = np.concatenate([self._held, block]) if len(self._held) else block
        whole = len(samples) - len(samples) % PACKET_SAMPLES
        self._held = samples[whole:].copy()
        return self._send(samples[:whole]) if whole else []

    def finish(self) -> list[bytes]:
        """The packets of what is still held; the last one is filled up with silence."""
        packets = self._send(self._held) if len(self._held) else []
        try:
            return packets + [bytes(packet) for packet in self._context.encode(None)]
        except av.error.FFmpegError as error:
            raise _failed(error) from error

    def _send(self, samples: Block) -> list[bytes]:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout=self._layout
        )
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = _TIME_BASE
        frame.pts = self._fed
        self._fed += len(samples)
        try:
            return [bytes(packet) for packet in self._context.encode(frame)]
        except av.error.FFmpegError as error:
            raise _failed(error) from error


def _failed(error: Exception) -> AudioError:
    return AudioError(
        "The sound cannot be encoded",
        f"The Opus encoder says: {error}.",
        "Reinstall Scribe; its PyAV must come with libopus.",
    )
