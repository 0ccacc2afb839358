"""An open microphone: PortAudio's callback copies its samples into a ring.

The callback never locks, logs or raises; it copies, counts and notes the time.
"""

import time
from typing import Any, Final

from scribe_desktop.capture import portaudio
from scribe_desktop.capture.encoder import Block
from scribe_desktop.capture.ring import Piece, Ring
from scribe_desktop.model import SAMPLE_RATE

BLOCK_SAMPLES: Final = 4800
_LATENCY_S: Final = 0.1
_RING_SAMPLES: Final = 30 * SAMPLE_RATE


class Microphone:
    """A running input stream at 48 kHz, s16.

    `last_arrival` is the monotonic time (s) of the newest block, None before the first;
    `overflows` counts the blocks before which PortAudio lost something; `finished` says that the
    stream ended by itself.

    Raises:
        AudioError: the device cannot be opened.
    """

    def __init__(self, device: str | None, *, channels: int, pulse: bool) -> None:
        self.last_arrival: float | None = None
        self.overflows = 0
        self.finished = False
        self._ring = Ring(_RING_SAMPLES, channels)
        self._stream = portaudio.open_stream(
            device,
            pulse=pulse,
            samplerate=SAMPLE_RATE,
            channels=channels,
            dtype="int16",
            blocksize=BLOCK_SAMPLES,
            latency=_LATENCY_S,
            callback=self._on_block,
            finished_callback=self._on_finished,
        )

    def read(self) -> Piece | None:
        """The samples that came since, up to the next place with missing ones."""
        return self._ring.read()

    def close(self) -> None:
        """Let go of the device; what is in the ring can still be read."""
        portaudio.close_stream(self._stream)

    def _on_block(self, block: Block, _frames: int, _time: Any, status: Any) -> None:
        if status.input_overflow:
            self.overflows += 1
        self._ring.write(block)
        self.last_arrival = time.monotonic()

    def _on_finished(self) -> None:
        self.finished = True
