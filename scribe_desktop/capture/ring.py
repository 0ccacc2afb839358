"""Samples between the PortAudio callback and the encoder thread, without a lock.

One thread writes, one reads. Each index is changed by one side only, and after the data it speaks
of, so neither ever waits. A block that finds no room is counted, and the reader learns how much
is missing at exactly which place.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from scribe_desktop.capture.encoder import Block

_MARKS: Final = 64


class Piece(NamedTuple):
    """Samples of shape (frames, channels) and how many frames are missing right after them."""

    samples: Block
    missing: int


class Ring:
    """A preallocated ring of `frames` frames; `overruns` counts places where frames are missing."""

    def __init__(self, frames: int, channels: int) -> None:
        self._data: Block = np.zeros((frames, channels), np.int16)
        self._marks: npt.NDArray[np.int64] = np.zeros((_MARKS, 2), np.int64)
        self._frames = frames
        self._written = 0
        self._read = 0
        self._marked = 0
        self._marks_read = 0
        self._missing = 0
        self.overruns = 0

    def write(self, block: Block) -> None:
        """The callback's side: copy a block, or count it when there is no room."""
        count = len(block)
        if count > self._frames - (self._written - self._read) or not self._mark():
            self._missing += count
            return
        start = self._written % self._frames
        first = min(count, self._frames - start)
        self._data[start : start + first] = block[:first]
        self._data[: count - first] = block[first:]
        self._written += count

    def note_missing(self, frames: int) -> None:
        """The callback's side: frames were lost before the block that is written next."""
        self._missing += frames

    def read(self) -> Piece | None:
        """The reader's side: a copy of what is there, up to the next place with missing frames."""
        end, missing = self._written, 0
        if self._marks_read < self._marked:
            place, missing = self._marks[self._marks_read % _MARKS].tolist()
            end = place
        elif end == self._read:
            return None
        count = end - self._read
        start = self._read % self._frames
        first = min(count, self._frames - start)
        samples = np.concatenate([self._data[start : start + first], self._data[: count - first]])
        self._read = end
        if missing:
            self._marks_read += 1
            self.overruns += 1
        return Piece(samples, missing)

    def _mark(self) -> bool:
        """Put the frames missing so far before the next block; False when there is no room."""
        if self._missing:
            if self._marked - self._marks_read >= _MARKS:
                return False
            self._marks[self._marked % _MARKS] = self._written, self._missing
            self._missing = 0
            self._marked += 1
        return True
