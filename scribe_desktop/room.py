"""How much room there is for sound on a disk."""

import logging
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

MB: Final = 1 << 20
RESERVE: Final = 64 * MB
"""Bytes that stay free for the end of a recording, for delivery and for everybody else."""
RESCUE_ROOM: Final = 100 * MB
"""Bytes that have to be free in a folder that takes the place of the ordinary one."""
LOW: Final = 1024 * MB
VERY_LOW: Final = 500 * MB
BALLAST: Final = 16 * MB
"""Bytes: the sound that may wait in memory, and the space that SQLite needs to commit it."""
CONTAINER_BYTES: Final = 600
"""Per second of sound, for WebM's frames and the spool's rows: more than was measured."""
HOURS_FROM: Final = 120
STEP: Final = 5


def free_bytes(folder: Path) -> int:
    """Bytes that this person may still write where a folder is or would be; 0 when unknown."""
    place = folder.absolute()
    while True:
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            place = place.parent
        except OSError:
            # A file in the place of a folder, a disk that is gone: nothing can be written there.
            return 0


class RoomLevel(StrEnum):
    """How loud little room has to be told."""

    PLENTY = "plenty"
    LOW = "low"
    VERY_LOW = "very-low"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Room:
    """How much still fits: `free` bytes (whole MB), `minutes` of sound until the reserve."""

    free: int
    minutes: int

    @property
    def level(self) -> RoomLevel:
        """How loud it has to be told."""
        if self.free < RESERVE:
            return RoomLevel.NONE
        if self.free < VERY_LOW:
            return RoomLevel.VERY_LOW
        return RoomLevel.LOW if self.free < LOW else RoomLevel.PLENTY

    @property
    def words(self) -> str:
        """One sentence for people, in steps: it must not change every minute."""
        if self.level is RoomLevel.NONE:
            return "There is no room for more sound."
        if self.minutes >= HOURS_FROM:
            return f"Room for {self.minutes // 60} more hours."
        if self.minutes < STEP:
            return f"Room for less than {STEP} more minutes."
        return f"Room for {self.minutes // STEP * STEP} more minutes."


def room_of(free: int, *, bitrate: int, copies: int = 1) -> Room:
    """What fits into free bytes. Pure.

    Args:
        free: bytes.
        bitrate: of the encoder, bit/s.
        copies: 2 when the bundled server keeps the sound on this disk, too.
    """
    a_minute = 60 * copies * (bitrate // 8 + CONTAINER_BYTES)
    return Room(free // MB * MB, max(0, free - RESERVE) // a_minute)


class Ballast:
    """A file that takes up room, given up so that a recording can end when the disk is full."""

    def __init__(self, path: Path, *, size: int = BALLAST) -> None:
        self._path = path
        self._size = size

    def fill(self) -> None:
        """Take up the room, if it is not taken up yet and the disk has plenty."""
        if self._path.exists() or free_bytes(self._path.parent) < RESERVE + 2 * self._size:
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                _allocate(descriptor, self._size)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("no room can be kept for the end of a recording: %s", error)

    def drop(self) -> bool:
        """Give the room up; False when there was none to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        with suppress(OSError):  # the room comes some seconds later then
            _sync_folder(self._path.parent)
        return True


def _sync_folder(folder: Path) -> None:
    # ext4 gives the blocks of a removed file out again only once its journal was written.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _allocate(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    block = os.urandom(MB)  # zeros might be left out by the file system
    for _ in range(size // MB):
        os.write(descriptor, block)
