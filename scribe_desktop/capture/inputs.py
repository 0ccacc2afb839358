"""What a recording takes its sound from: the common shape of microphone and file."""

from dataclasses import dataclass
from typing import Protocol

from scribe_desktop.capture.encoder import Block
from scribe_desktop.model import CaptureReason, GapReason


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples that arrived, of shape (frames, channels)."""

    block: Block


@dataclass(frozen=True, slots=True)
class Silence:
    """Samples that never came and why; a count of 0 marks a loss of unknown length."""

    samples: int
    reason: GapReason


Event = Sound | Silence


class Input(Protocol):
    """A source of sound, used by the encoder thread only."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def reason(self) -> CaptureReason:
        """Why no sound comes, if none comes."""

    @property
    def ended(self) -> bool:
        """Whether there is no more to come."""

    @property
    def wait_s(self) -> float:
        """How long (s) to wait before the next poll."""

    @property
    def silent_s(self) -> float:
        """For how long (s) no sound has come."""

    def open(self) -> None:
        """Begin to deliver.

        Raises:
            AudioError: it cannot.
        """

    def poll(self) -> list[Event]:
        """What came since the last poll.

        Raises:
            AudioError: it is broken for good.
        """

    def pause(self) -> list[Event]:
        """Let go of the device; what had come by then."""

    def resume(self) -> None:
        """Deliver again."""

    def close(self) -> None:
        """Let go of everything; closing again does nothing."""
