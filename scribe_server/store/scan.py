"""Walking through one segment as far as it can be read, and saying how far that was."""

from collections.abc import Iterator

from scribe_server.store.blobs import FoundRecord
from scribe_server.store.errors import StorageError
from scribe_server.store.records import aligned
from scribe_server.store.segments import SegmentStore


class SegmentScan:
    """The records of one segment; iterate once, then ask.

    Args:
        blobs: whose segment.
        number: which one.
        end: bytes that belong to the walk; None: the whole file.
        hashed: whether payloads are read and compared with their SHA-256.
    """

    def __init__(
        self, blobs: SegmentStore, number: int, *, end: int | None = None, hashed: bool = True
    ) -> None:
        size = blobs.size(number) or 0
        self.end = size if end is None else min(size, end)
        self.reached = 0
        self._blobs = blobs
        self._number = number
        self._hashed = hashed

    def __iter__(self) -> Iterator[FoundRecord]:
        """Each record up to the first header that does not hold or cannot be read."""
        try:
            for record in self._blobs.scan_from(self._number, 0, end=self.end, hashed=self._hashed):
                self.reached = record.ref.offset + record.ref.length
                yield record
        except StorageError:
            # As with a header that does not hold: what lies behind is found by its rows only.
            return
        finally:
            self._blobs.forget_pages(self._number)

    @property
    def unreadable(self) -> int:
        """Bytes at the end in which no record was found, filling aside."""
        return max(0, self.end - aligned(self.reached))
