"""The parts of a session as the ribbon shows them: what is where. Pure.

A part is one chunk, 30 s of sound.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from scribe_desktop.model import Chunk
from scribe_desktop.ui.words import Words

PART_SECONDS = 30


class Part(IntEnum):
    """Where a part is; a lower number is the news that a cell of several parts shows."""

    PROBLEM = 0
    RECORDING = 1
    ONLY_HERE = 2
    SENDING = 3
    STORED = 4
    VERIFIED = 5


@dataclass(frozen=True, slots=True)
class Ribbon:
    """The cells of a ribbon; each stands for `parts_per_cell` parts."""

    cells: tuple[Part, ...] = ()
    parts_per_cell: int = 1


def parts_of(
    chunks: Sequence[Chunk], *, in_flight: int, verified: bool, recording: bool
) -> list[Part]:
    """One `Part` per chunk in ascending order, and one more for what is being recorded.

    `in_flight` parts are on their way: the first ones without an ack, as sync takes them.
    """
    parts = []
    for chunk in chunks:
        if chunk.refused_code is not None:
            parts.append(Part.PROBLEM)
        elif chunk.acked_at is not None:
            parts.append(Part.VERIFIED if verified else Part.STORED)
        elif in_flight > 0:
            in_flight -= 1
            parts.append(Part.SENDING)
        else:
            parts.append(Part.ONLY_HERE)
    if recording:
        parts.append(Part.RECORDING)
    return parts


def ribbon_of(parts: Sequence[Part], *, room: int) -> Ribbon:
    """At most `room` cells; a cell of several parts shows the one that needs looking at most."""
    per_cell = max(1, -(-len(parts) // max(1, room)))
    cells = tuple(min(parts[at : at + per_cell]) for at in range(0, len(parts), per_cell))
    return Ribbon(cells, per_cell)


def part_name(part: Part, words: Words, *, local: bool) -> str:
    """What a cell means, in a few words."""
    tr = words.tr
    names = {
        Part.PROBLEM: tr("refused"),
        Part.RECORDING: tr("being recorded"),
        Part.ONLY_HERE: tr("only on this computer"),
        Part.SENDING: tr("on its way"),
        Part.STORED: tr("on the server"),
        Part.VERIFIED: tr("verified"),
    }
    if local:
        names |= {
            Part.ONLY_HERE: tr("saved"),
            Part.SENDING: tr("being checked"),
            Part.STORED: tr("stored"),
            Part.VERIFIED: tr("stored and checked"),
        }
    return names[part]


def summary(parts: Sequence[Part], words: Words, *, local: bool) -> str:
    """The whole ribbon in words: `84 parts: 82 verified, 1 being recorded, …`."""
    if not parts:
        return words.tr("No parts yet")
    counts = Counter(parts)
    told = [f"{counts[part]} {part_name(part, words, local=local)}" for part in sorted(counts)]
    return f"{words.parts(len(parts))}: {', '.join(reversed(told))}"
