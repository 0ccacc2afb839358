"""Chunk bytes in append-only segments: one write and one fdatasync per batch.

The files are `segments/00000001.seg` and so on (store/records.py tells what is in them). One
thread appends, deletes and removes; any thread reads. Batches are written past the page cache
where the file system allows it (store/direct.py), and begin and end at a block everywhere.
"""

import errno
import logging
import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from scribe_server.store.blobs import BlobRef, FoundRecord, Record
from scribe_server.store.errors import BlobDamagedError, StorageFailedError, StorageFullError
from scribe_server.store.files import Files
from scribe_server.store.records import BLOCK_BYTES, aligned, encode_header, scan_segment

log = logging.getLogger(__name__)

MAX_SEGMENT_BYTES: Final = 256 * 1024 * 1024
_FILLING: Final = bytes(BLOCK_BYTES)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class SegmentStore:
    """A BlobStore over a folder of segments.

    Args:
        folder: where the segments are; it exists.
        known: durable, indexed bytes of each segment, as the database says.
        files: the operating system.
        max_bytes: a segment that has reached this size is not appended to.
    """

    def __init__(
        self,
        folder: Path,
        known: Mapping[int, int],
        *,
        files: Files | None = None,
        max_bytes: int = MAX_SEGMENT_BYTES,
    ) -> None:
        self._folder = folder
        self._files = files or Files()
        self._max_bytes = max_bytes
        self._last = max([0, *known, *self.numbers()])
        self._descriptor: int | None = None
        self._end = known.get(self._last, 0)
        self._usable = self._last > 0 and self._can_go_on()

    @property
    def engine(self) -> str:
        """How batches are written: `direct` (past the page cache) or `buffered`."""
        return self._files.engine

    def _can_go_on(self) -> bool:
        # A segment of an older version may end anywhere; one with a tail needs its recovery.
        return self._end % BLOCK_BYTES == 0 and self.size(self._last) == self._end

    @property
    def active(self) -> int:
        """Number of the segment that the last batch went to (0: none yet)."""
        return self._last

    @property
    def end(self) -> int:
        """Durable bytes in the active segment."""
        return self._end

    def path(self, segment: int) -> Path:
        """Where a segment's file is."""
        return self._folder / f"{segment:08d}.seg"

    def numbers(self) -> list[int]:
        """The segments that are there, oldest first."""
        return sorted(int(path.stem) for path in self._folder.glob("[0-9]*.seg"))

    def size(self, segment: int) -> int | None:
        """Bytes in a segment's file; None when there is no such file."""
        try:
            return self.path(segment).stat().st_size
        except FileNotFoundError:
            return None

    def append(self, batch: Sequence[Record]) -> list[BlobRef]:
        """Write the records with one write and one fdatasync; see BlobStore.append."""
        buffers: list[bytes] = []
        refs: list[BlobRef] = []
        try:
            descriptor = self._writable()
            end = self._end
            for record in batch:
                header = encode_header(record)
                buffers += (header, record.payload)
                refs.append(BlobRef(self._last, end + len(header), len(record.payload)))
                end = refs[-1].offset + refs[-1].length
            buffers.append(_FILLING[: aligned(end) - end])
            self._files.write(descriptor, buffers, self._end)
            self._files.sync(descriptor)
        except OSError as error:
            raise self._failed(error) from error
        self._end = aligned(end)
        return refs

    def _writable(self) -> int:
        if self._descriptor is not None and self._end < self._max_bytes:
            return self._descriptor
        self._put_down()
        if not self._usable or self._end >= self._max_bytes:
            self._last += 1
            self._end = 0
        descriptor = self._files.open_log(self.path(self._last))
        try:
            self._files.sync_folder(self._folder)
        except OSError:
            self._files.close(descriptor)
            raise
        self._descriptor = descriptor
        self._usable = True
        return descriptor

    def _failed(self, error: OSError) -> StorageFullError | StorageFailedError:
        full = error.errno in _FULL
        cut = self._cut()
        if not (full and cut):
            # After a failed sync the kernel counts the pages as clean: a second sync would
            # succeed and prove nothing. So this file is never written again.
            self._put_down()
            self._usable = False
            self._drop_if_new()
        log.error("segment %d: %s", self._last, error)
        kind = StorageFullError if full else StorageFailedError
        return kind(f"segment {self._last}: {error}")

    def _drop_if_new(self) -> None:
        # Nothing was ever stored in it; a disk that fails for hours would leave one for each batch.
        if self._end == 0:
            with suppress(OSError):  # an empty file does no harm
                self.path(self._last).unlink(missing_ok=True)

    def _cut(self) -> bool:
        if self._descriptor is None:
            return False
        try:
            self._files.truncate(self._descriptor, self._end)
        except OSError as error:
            log.error("segment %d could not be cut: %s", self._last, error)
            return False
        return True

    def _put_down(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            # A close that fails after a failed sync says nothing new; the file is given up.
            with suppress(OSError):
                self._files.close(descriptor)

    def read(self, ref: BlobRef, start: int = 0, length: int | None = None) -> bytes:
        """Bytes of a chunk; see BlobStore.read."""
        wanted = ref.length - start if length is None else length
        if start < 0 or wanted < 0 or start + wanted > ref.length:
            raise ValueError(f"{start}+{wanted} is outside of a chunk of {ref.length} bytes")
        found = self._read_at(ref.segment, ref.offset + start, wanted)
        if len(found) < wanted:
            raise BlobDamagedError(f"segment {ref.segment} ends inside a chunk")
        return found

    def _read_at(self, segment: int, offset: int, length: int) -> bytes:
        try:
            descriptor = os.open(self.path(segment), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise BlobDamagedError(f"segment {segment} is missing") from error
        except OSError as error:
            raise StorageFailedError(f"segment {segment}: {error}") from error
        try:
            return os.pread(descriptor, length, offset)
        except OSError as error:
            raise StorageFailedError(f"segment {segment}: {error}") from error
        finally:
            os.close(descriptor)

    def mark_damaged(self, ref: BlobRef) -> None:
        """Begin a new segment with the next batch when the damaged bytes are in this one."""
        if ref.segment == self._last:
            self._put_down()
            self._usable = False

    def delete(self, refs: Sequence[BlobRef]) -> None:
        """Zero the chunks' bytes; see BlobStore.delete. Segments go with remove()."""
        for segment in {ref.segment for ref in refs}:
            if self.size(segment) is None:
                continue
            try:
                self._wipe(segment, [ref for ref in refs if ref.segment == segment])
            except OSError as error:
                raise StorageFailedError(f"segment {segment}: {error}") from error

    def _wipe(self, segment: int, refs: Sequence[BlobRef]) -> None:
        descriptor = self._files.open(self.path(segment))
        try:
            for ref in refs:
                self._files.wipe(descriptor, ref.offset, ref.length)
            self._files.sync(descriptor)
        finally:
            self._files.close(descriptor)

    def remove(self, segment: int) -> None:
        """Delete a segment's file for good; it must not be the active one.

        Raises:
            StorageFailedError: the disk failed.
        """
        try:
            self.path(segment).unlink(missing_ok=True)
            self._files.sync_folder(self._folder)
        except OSError as error:
            raise StorageFailedError(f"segment {segment}: {error}") from error

    def settle(self, segment: int, size: int | None = None) -> None:
        """Make a segment durable, cut off at `size` if given; later reads see the disk.

        Raises:
            StorageFailedError: the disk failed.
        """
        try:
            descriptor = self._files.open(self.path(segment))
            try:
                if size is not None:
                    self._files.truncate(descriptor, size)
                self._files.settle(descriptor)
            finally:
                self._files.close(descriptor)
        except OSError as error:
            raise StorageFailedError(f"segment {segment}: {error}") from error

    def resume(self, segment: int, end: int) -> None:
        """Say that a segment is whole and indexed up to `end`: its recovery is done."""
        if segment == self._last:
            self._end = end
            self._usable = self._can_go_on()

    def scan(self) -> Iterator[FoundRecord]:
        """Every record of every segment; see BlobStore.scan."""
        for segment in self.numbers():
            yield from self.scan_from(segment, 0)

    def scan_from(
        self, segment: int, start: int, *, end: int | None = None, hashed: bool = True
    ) -> Iterator[FoundRecord]:
        """The records of one segment from the byte `start` on, up to `end`; see scan_segment."""
        size = self.size(segment) or 0

        def read_at(offset: int, length: int) -> bytes:
            return self._read_at(segment, offset, length)

        end = size if end is None else min(size, end)
        return scan_segment(segment, read_at, end, start, hashed=hashed)

    def forget_pages(self, segment: int, offset: int = 0, length: int = 0) -> None:
        """Let the system drop a stretch's pages from its cache (`length` 0: up to the end).

        Before reading: what comes is the disk's. After it: others keep their share of the memory.
        """
        if not hasattr(os, "posix_fadvise"):  # macOS, Windows
            return
        # Only pages that are within the stretch from end to end are dropped.
        first = offset - offset % mmap.PAGESIZE
        length = aligned(offset + length) - first if length else 0
        with suppress(FileNotFoundError):
            descriptor = os.open(self.path(segment), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.posix_fadvise(descriptor, first, length, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Close the active segment."""
        self._put_down()
