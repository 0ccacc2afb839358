"""Where chunks begin and end: packets in, planned chunks out. Pure.

Packet `i` of the one continuous encode decodes to the timeline samples `960 i - 312` up to
`960 i + 648`. Each chunk takes a run of whole packets, so the chunks tile the timeline exactly
whatever the cuts are. From the second chunk on, the four packets before it go along as pre-roll:
they bring a decoder into step and are dropped again when chunks are put together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scribe_desktop.model import ENCODER_DELAY, PACKET_SAMPLES

PRE_ROLL_PACKETS: Final = 4
CHUNK_PACKETS: Final = 1500
SHORTEST_SESSION: Final = PACKET_SAMPLES - ENCODER_DELAY
"""A file of one packet always decodes to this much, so no session is shorter."""


def first_sample_of(packet: int) -> int:
    """The timeline position at which a packet's own samples begin (-312 for packet 0)."""
    return packet * PACKET_SAMPLES - ENCODER_DELAY


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """A chunk before it becomes a file; `discard` samples are trimmed from its last packet."""

    sequence: int
    first_sample: int
    samples: int
    pre_roll: tuple[bytes, ...]
    packets: tuple[bytes, ...]
    discard: int = 0


class Cutter:
    """Collects packets and says when a chunk is complete.

    `first_packet` counts the packets in earlier chunks and `pre_roll` holds the last of them; both
    let a recovery go on where a recorder was interrupted.
    """

    def __init__(
        self,
        *,
        sequence: int = 0,
        first_packet: int = 0,
        pre_roll: Sequence[bytes] = (),
        chunk_packets: int = CHUNK_PACKETS,
    ) -> None:
        if first_packet and len(pre_roll) != PRE_ROLL_PACKETS:
            raise ValueError("only the first chunk goes without pre-roll")
        self.sequence = sequence
        self.first_packet = first_packet
        self._chunk_packets = chunk_packets
        self._pre_roll = tuple(pre_roll)
        self._packets: list[bytes] = []

    @property
    def packets(self) -> int:
        """How many packets came in all, those of earlier chunks included."""
        return self.first_packet + len(self._packets)

    @property
    def first_sample(self) -> int:
        """Where the chunk that is being collected begins on the timeline."""
        return max(0, first_sample_of(self.first_packet))

    @property
    def pre_roll(self) -> tuple[bytes, ...]:
        """The packets just before those that are being collected."""
        return self._pre_roll

    @property
    def pending(self) -> tuple[bytes, ...]:
        """The packets that no chunk holds yet."""
        return tuple(self._packets)

    def add(self, packet: bytes) -> PlannedChunk | None:
        """Take the next packet; the chunk before it comes back when it was full.

        A full chunk waits for the packet after it: were it the last one, it would be trimmed.
        """
        full = self._take() if len(self._packets) >= self._chunk_packets else None
        self._packets.append(packet)
        return full

    def cut(self) -> PlannedChunk | None:
        """End the chunk here, at a pause.

        With fewer than four packets nothing is cut: they go into the chunk after the pause, and
        every later chunk has a whole pre-roll in the one before it.
        """
        return self._take() if len(self._packets) >= PRE_ROLL_PACKETS else None

    def finish(self, total_samples: int) -> PlannedChunk | None:
        """End the last chunk so that the timeline is exactly `total_samples` long.

        Raises:
            ValueError: the packets do not end within 960 samples after `total_samples`.
        """
        if not self._packets:
            return None
        discard = first_sample_of(self.packets) - total_samples
        if not 0 <= discard < PACKET_SAMPLES:
            raise ValueError(f"{self.packets} packets cannot end at sample {total_samples}")
        return self._take(discard)

    def _take(self, discard: int = 0) -> PlannedChunk:
        end = first_sample_of(self.packets) - discard
        chunk = PlannedChunk(
            self.sequence,
            self.first_sample,
            end - self.first_sample,
            self._pre_roll,
            tuple(self._packets),
            discard,
        )
        self._pre_roll = (*self._pre_roll, *self._packets)[-PRE_ROLL_PACKETS:]
        self.sequence += 1
        self.first_packet = self.packets
        self._packets = []
        return chunk
