"""A file in place of the microphone, through the same path."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scribe_desktop.capture.decoding import read_blocks
from scribe_desktop.capture.inputs import Event, Sound
from scribe_desktop.model import SAMPLE_RATE, CaptureReason

if TYPE_CHECKING:
    from scribe_desktop.capture.encoder import Block

_POLL_S: Final = 0.1


class FileInput:
    """Delivers a file's sound at the speed of the clock, or as fast as it is taken."""

    reason = CaptureReason.NONE

    def __init__(
        self,
        path: Path,
        *,
        channels: int,
        realtime: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = path.name
        self.ended = False
        self.wait_s = _POLL_S if realtime else 0.0
        self._path = path
        self._channels = channels
        self._realtime = realtime
        self._monotonic = monotonic
        self._blocks: Iterator[Block] = iter(())
        self._next: Block | None = None
        self._due_from = 0.0
        self._given = 0

    @property
    def silent_s(self) -> float:
        """A file never keeps anyone waiting."""
        return 0.0

    def open(self) -> None:
        """Read the beginning.

        Raises:
            AudioError: the file is not there or holds no sound.
        """
        self._blocks = read_blocks(self._path, channels=self._channels)
        self._advance()
        self.resume()

    def poll(self) -> list[Event]:
        """The next block, or in real time what is due by now.

        Raises:
            AudioError: the file is damaged from here on.
        """
        if not self._realtime:
            return [*self._take(SAMPLE_RATE)]
        due = int((self._monotonic() - self._due_from) * SAMPLE_RATE) - self._given
        events: list[Event] = []
        while due > 0 and (taken := self._take(due)):
            events += taken
            due -= sum(len(event.block) for event in taken)
        return events

    def pause(self) -> list[Event]:
        """Stay where it is."""
        return []

    def resume(self) -> None:
        """Go on from where it was."""
        self._due_from, self._given = self._monotonic(), 0

    def close(self) -> None:
        """Let go of the file."""
        self._blocks = iter(())
        self._next = None
        self.ended = True

    def _take(self, most: int) -> list[Sound]:
        if self._next is None:
            return []
        block, rest = self._next[:most], self._next[most:]
        self._given += len(block)
        if len(rest):
            self._next = rest
        else:
            self._advance()
        return [Sound(block)]

    def _advance(self) -> None:
        """Have the next block that holds anything ready, or know that there is none."""
        self._next = next((block for block in self._blocks if len(block)), None)
        self.ended = self._next is None
