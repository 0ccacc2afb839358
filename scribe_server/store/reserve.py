"""Room that is set aside, so that a disk that others have filled can still delete.

A deletion needs room before it gives any back: for its tombstone and for the database's log.
"""

import logging
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

RESERVE_BYTES: Final = 2 * 1024 * 1024
_LEAST_BYTES: Final = 64 * 1024
_NAME: Final = "reserve"


class Reserve:
    """One file in each folder that takes up room until it is needed. From any thread."""

    def __init__(self, folders: Iterable[Path], size: int = RESERVE_BYTES) -> None:
        self._paths = sorted({folder.absolute() / _NAME for folder in folders})
        self._size = size
        self._lock = threading.Lock()

    def set_aside(self) -> None:
        """Take the room where it is not taken: all of it, or on a full disk what is left."""
        with self._lock:
            for path in self._paths:
                size = self._size
                while size >= _LEAST_BYTES and not _takes_up(path, size):
                    size //= 2

    def give_up(self) -> bool:
        """Give the room back to the disk; False when there was none."""
        with self._lock:
            found = [path for path in self._paths if _size(path)]
            for path in found:
                path.unlink(missing_ok=True)
            return bool(found)


def _takes_up(path: Path, size: int) -> bool:
    """Whether the file is so long now; a shorter one that could not be made longer is kept."""
    if _size(path) >= size:
        return True
    beside = path.with_suffix(".new")
    try:
        _allocate(beside, size)
        beside.replace(path)
    except OSError as error:
        log.info("no %d bytes are left to be set aside: %s", size, error)
        with suppress(OSError):  # it is made anew the next time
            beside.unlink()
        return False
    return True


def _allocate(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:  # macOS, Windows
            os.write(descriptor, bytes(size))
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
