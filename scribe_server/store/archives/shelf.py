"""Reading chunks wherever they are: in a segment, or in an archive."""

import threading
from typing import Final

from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.rows import key_of
from scribe_server.store.blobs import BlobReader, BlobRef
from scribe_server.store.database import Database
from scribe_server.store.errors import ArchiveMissingError, BlobDamagedError

_MOST_KEYS: Final = 10_000


class Shelf:
    """A BlobReader over segments and archives; any thread may read.

    Args:
        database: knows archives' keys.
        segments: reads what is hot.
        place: where archives lie.
    """

    def __init__(self, database: Database, segments: BlobReader, place: ArchivePlace) -> None:
        self.place: Final = place
        self._database = database
        self._segments = segments
        # An id never names another archive, so what is known stays true.
        self._keys: dict[int, str] = {}
        self._lock = threading.Lock()

    def read(self, ref: BlobRef, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a chunk; see BlobReader.read."""
        if ref.segment >= 0:
            return self._segments.read(ref, start, length)
        wanted = ref.length - start if length is None else length
        if start < 0 or wanted < 0 or start + wanted > ref.length:
            raise ValueError(f"{start}+{wanted} is outside of a chunk of {ref.length} bytes")
        key = self._key(-ref.segment)
        found = self.place.read(key, ref.offset + start, wanted)
        if len(found) < wanted:
            raise BlobDamagedError(f"archive {key} ends inside a chunk")
        return found

    def _key(self, archive: int) -> str:
        with self._lock:
            known = self._keys.get(archive)
        if known is not None:
            return known
        with self._database.snapshot() as connection:
            key = key_of(connection, archive)
        if key is None:
            raise ArchiveMissingError(f"archive {archive} is not in the books any more")
        with self._lock:
            if len(self._keys) >= _MOST_KEYS:
                self._keys.clear()
            self._keys[archive] = key
        return key
