"""Batches written past the page cache (O_DIRECT): no second copy in memory, no write-back later.

What the kernel asks for (open(2), "O_DIRECT"): memory, offset and length in whole blocks. So the
buffers of a batch are gathered in page-aligned memory of a fixed size and written from there.
"""

import errno
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from typing_extensions import override

from scribe_server.store.files import Files
from scribe_server.store.records import BLOCK_BYTES

AREA_BYTES: Final = 4 * 1024 * 1024
_PROBE: Final = ".direct-io-probe"


class DirectFiles(Files):
    """Files whose logs bypass the page cache; one thread writes."""

    engine = "direct"

    def __init__(self) -> None:
        self._area = memoryview(mmap.mmap(-1, AREA_BYTES))

    @override
    def open_log(self, path: Path) -> int:
        """Open for `write`, which takes whole blocks at whole blocks only."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_DIRECT
        return os.open(path, flags, 0o600)

    @override
    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        """Write all buffers one after the other; together they are whole blocks."""
        for filled in self._gathered(buffers):
            self._write_area(descriptor, filled, offset)
            offset += filled

    def _gathered(self, buffers: Sequence[bytes]) -> Iterator[int]:
        """Fill the area with the buffers, again and again; gives how many bytes are in it."""
        filled = 0
        for buffer in buffers:
            left = memoryview(buffer)
            while left:
                part = left[: AREA_BYTES - filled]
                self._area[filled : filled + len(part)] = part
                filled += len(part)
                left = left[len(part) :]
                if filled == AREA_BYTES:
                    yield filled
                    filled = 0
        if filled:
            yield filled

    def _write_area(self, descriptor: int, length: int, offset: int) -> None:
        done = 0
        while done < length:
            written = os.pwrite(descriptor, self._area[done:length], offset + done)
            if written % BLOCK_BYTES:
                # The rest could not be written in whole blocks; the batch counts as failed.
                raise OSError(errno.EIO, "a part of a block was written")
            done += written


def files_for(folder: Path) -> Files:
    """DirectFiles where the folder's file system takes them, else Files.

    Raises:
        OSError: the folder cannot be written to at all.
    """
    if not hasattr(os, "O_DIRECT"):  # macOS, Windows
        return Files()
    files = DirectFiles()
    path = folder / _PROBE
    try:
        descriptor = files.open_log(path)
        try:
            files.write(descriptor, [bytes(BLOCK_BYTES)], 0)
        finally:
            files.close(descriptor)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EOPNOTSUPP}:
            return Files()
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:  # a server with a full disk starts
            raise
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
    return files
