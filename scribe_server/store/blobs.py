"""What the server asks of a store of chunk bytes, whichever way it keeps them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol


class RecordKind(IntEnum):
    """What a record says."""

    CHUNK = 1
    TOMBSTONE = 2


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Where a chunk's bytes are: `offset` bytes into a segment, `length` bytes of them.

    A `segment` below 0 is no segment: the bytes are in the archive whose id is -segment.
    """

    segment: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class RecordAbout:
    """What a record tells of itself besides its bytes, enough to index it again.

    `taken_at` is the client's wall time, `stored_at` the server's; a tombstone uses neither the
    samples nor the media type.
    """

    session: str
    user: str
    stored_at: int
    mime_type: str = ""
    first_sample: int | None = None
    samples: int | None = None
    taken_at: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One chunk or tombstone on its way to the disk."""

    kind: RecordKind
    owner: int
    sequence: int
    payload: bytes
    sha256: bytes
    about: RecordAbout


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record met by a scan. `whole`: its payload is all there and has its SHA-256."""

    kind: RecordKind
    owner: int
    sequence: int
    sha256: bytes
    about: RecordAbout
    ref: BlobRef
    whole: bool


class BlobReader(Protocol):
    """Gives the bytes of chunks; any thread may read."""

    def read(self, ref: BlobRef, start: int = 0, length: int | None = None) -> bytes:
        """`length` bytes of a chunk from `start` (all that follow when None).

        Raises:
            ValueError: the range is not inside the chunk.
            BlobDamagedError: the bytes are missing or short.
            StorageFailedError: the disk failed.
        """
        ...


class BlobStore(BlobReader, Protocol):
    """Durable bytes of chunks. One thread appends and deletes; any thread reads."""

    def append(self, batch: Sequence[Record]) -> list[BlobRef]:
        """Make all records durable, or none: one write and one sync for the whole batch.

        Raises:
            StorageFullError: no room; nothing of the batch is kept.
            StorageFailedError: the disk failed; nothing of the batch may be counted on.
        """
        ...

    def mark_damaged(self, ref: BlobRef) -> None:
        """Trust the place no further: no record is appended beside a damaged one."""
        ...

    def delete(self, refs: Sequence[BlobRef]) -> None:
        """Give back the disk space of chunks and make their bytes unreadable.

        Raises:
            StorageFailedError: the disk failed.
        """
        ...

    def scan(self) -> Iterator[FoundRecord]:
        """Every record, in the order of writing; stops in a segment where it is torn."""
        ...
