"""Counters of what the server has done since it started."""

from collections import Counter
from dataclasses import asdict, dataclass

from scribe_server.protocol import AudioChunk, ChunkAck, ChunkError, ErrorCode


@dataclass(slots=True)
class Scrubbed:
    """What the scrubber has done: chunks and bytes hashed again, passes ended, damage found."""

    chunks: int = 0
    bytes: int = 0
    passes: int = 0
    damaged: int = 0


class Metrics:
    """Counts on the event loop's thread; the numbers only grow, apart from `sockets`."""

    def __init__(self) -> None:
        self.sockets = 0
        self.sockets_ended = 0
        self.chunks_stored = 0
        self.bytes_stored = 0
        self.duplicates = 0
        self.refusals: Counter[ErrorCode] = Counter()
        self.malformed = 0
        self.connections_refused = 0
        self.scrubbed = Scrubbed()

    def answered(self, chunk: AudioChunk, answer: ChunkAck | ChunkError) -> None:
        """Count one chunk by its answer."""
        if isinstance(answer, ChunkError):
            self.refusals[answer.code] += 1
        elif answer.duplicate:
            self.duplicates += 1
        else:
            self.chunks_stored += 1
            self.bytes_stored += len(chunk.audio)

    def snapshot(self) -> dict[str, int | dict[str, int]]:
        """All counters by name, as plain values."""
        return {
            "sockets": self.sockets,
            "socketsEnded": self.sockets_ended,
            "chunksStored": self.chunks_stored,
            "bytesStored": self.bytes_stored,
            "duplicates": self.duplicates,
            "malformed": self.malformed,
            "connectionsRefused": self.connections_refused,
            "scrubbed": asdict(self.scrubbed),
            "refusals": {code.value: count for code, count in self.refusals.items()},
        }
