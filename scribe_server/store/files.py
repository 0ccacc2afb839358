"""The few calls to the operating system that durability rests on, in one place to be tested."""

import ctypes
import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_MOST_BUFFERS: Final = 1000  # Linux takes 1024 (IOV_MAX)
_ZEROS: Final = bytes(1 << 20)
_PUNCH_KEEPING_SIZE: Final = 0x02 | 0x01  # FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE


class Files:
    """Files as the operating system gives them; every method may raise OSError."""

    engine = "buffered"
    """How `write` works on a file of `open_log`."""

    def open(self, path: Path) -> int:
        """Open for reading and writing, making the file (0600) when it is not there."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def open_log(self, path: Path) -> int:
        """Open like `open`, for `write` only, which is given whole blocks at whole blocks."""
        return self.open(path)

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        """Write all buffers one after the other from `offset` bytes on."""
        os.lseek(descriptor, offset, os.SEEK_SET)
        for first in range(0, len(buffers), _MOST_BUFFERS):
            self._write_some(descriptor, list(buffers[first : first + _MOST_BUFFERS]))

    def _write_some(self, descriptor: int, buffers: list[bytes]) -> None:
        left = sum(map(len, buffers))
        views: list[bytes | memoryview] = list(buffers)
        while left:
            written = os.writev(descriptor, views)
            left -= written
            if left:
                views = _after(views, written)

    def sync(self, descriptor: int) -> None:
        """Make the file's bytes durable."""
        getattr(os, "fdatasync", os.fsync)(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut the file off at `size` bytes."""
        os.ftruncate(descriptor, size)

    def settle(self, descriptor: int) -> None:
        """Make the file durable and forget its pages, so that a read shows what the disk holds.

        After a failed sync the pages in memory differ from the disk and count as clean.
        """
        self.sync(descriptor)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def wipe(self, descriptor: int, offset: int, length: int) -> None:
        """Turn a stretch into zeros, giving its whole blocks back to the file system if it can."""
        if length == 0 or _punch(descriptor, offset, length):
            return
        os.lseek(descriptor, offset, os.SEEK_SET)
        while length > 0:
            length -= os.write(descriptor, _ZEROS[: min(length, len(_ZEROS))])

    def close(self, descriptor: int) -> None:
        """Close the file."""
        os.close(descriptor)


def _after(views: list[bytes | memoryview], written: int) -> list[bytes | memoryview]:
    for index, view in enumerate(views):
        if written < len(view):
            return [memoryview(view)[written:], *views[index + 1 :]]
        written -= len(view)
    return []


@functools.cache
def _fallocate() -> Callable[[int, int, int, int], int] | None:
    """fallocate(2) of the C library; None where there is none."""
    if sys.platform != "linux":
        return None
    function = ctypes.CDLL(None, use_errno=True).fallocate
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    function.restype = ctypes.c_int
    return function


def _punch(descriptor: int, offset: int, length: int) -> bool:
    """Zero a stretch by a hole; False where the file system has no holes."""
    function = _fallocate()
    return function is not None and function(descriptor, _PUNCH_KEEPING_SIZE, offset, length) == 0
