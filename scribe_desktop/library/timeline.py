"""Chunks and gaps become one sample-exact track that says what is missing. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from scribe_desktop.model import Chunk, Gap

_TOLD = 8


@dataclass(frozen=True, slots=True)
class Hole:
    """Samples that no chunk holds, with the sequences that would (inclusive).

    A hole at the end of a session cannot be seen: nothing says how long it would have become.
    """

    first_sample: int
    samples: int
    first_sequence: int
    last_sequence: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """A session's track: its chunks in order, its labelled stretches, its holes.

    `total_samples` counts holes too: it is where the last chunk ends.
    """

    chunks: tuple[Chunk, ...]
    gaps: tuple[Gap, ...]
    holes: tuple[Hole, ...]
    total_samples: int

    @property
    def complete(self) -> bool:
        """Whether every sample from 0 to the end is there."""
        return not self.holes

    @property
    def silent_samples(self) -> int:
        """How many samples are silence put in for sound that never came."""
        return sum(gap.samples for gap in self.gaps)

    @property
    def cut_ms(self) -> int:
        """How much wall time (ms) is not on the track at all: pauses and sleep."""
        return sum(gap.wall_ms for gap in self.gaps if gap.samples == 0)

    def missing(self) -> str:
        """The missing parts in words, such as `parts 3 to 5, part 9`; empty when none is."""
        told = [_words(hole) for hole in self.holes[:_TOLD]]
        more = len(self.holes) - _TOLD
        return ", ".join(told + ([f"and {more} more"] if more > 0 else []))


class ContradictionError(ValueError):
    """Two chunks claim the same samples or sequence."""


def build_timeline(chunks: Iterable[Chunk], gaps: Iterable[Gap] = ()) -> Timeline:
    """Lay the chunks out from sample 0 on.

    Raises:
        ContradictionError: chunks overlap, or their sequences and samples disagree.
    """
    ordered = sorted(chunks, key=lambda chunk: chunk.sequence)
    holes: list[Hole] = []
    end, expected = 0, 0
    for chunk in ordered:
        if chunk.sequence < expected or chunk.first_sample < end:
            raise ContradictionError(f"chunk {chunk.sequence} overlaps the one before")
        skipped = chunk.first_sample - end
        if (skipped > 0) != (chunk.sequence > expected):
            raise ContradictionError(f"chunk {chunk.sequence} does not follow the one before")
        if skipped:
            holes.append(Hole(end, skipped, expected, chunk.sequence - 1))
        end, expected = chunk.first_sample + chunk.samples, chunk.sequence + 1
    labelled = sorted(gaps, key=lambda gap: (gap.at_sample, gap.samples))
    return Timeline(tuple(ordered), tuple(labelled), tuple(holes), end)


def _words(hole: Hole) -> str:
    # People count parts from 1.
    first, last = hole.first_sequence + 1, hole.last_sequence + 1
    return f"part {first}" if first == last else f"parts {first} to {last}"
