"""A disk that is full for one process: a limit on the size of the files that it may write.

Writing behind RLIMIT_FSIZE fails as it does on a full disk, with EFBIG for ENOSPC
(setrlimit(2)); no root is needed, and no other program notices.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scribe_desktop.errors import ScribeError

if sys.platform == "linux":
    import resource

    def _set_limit(pid: int, size: int | None) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

else:

    def _set_limit(pid: int, size: int | None) -> None:
        raise OSError("only Linux can limit a process that runs")


@contextmanager
def full_for(pid: int, folder: Path) -> Iterator[int]:
    """While the context is open the process can make no file longer than the longest one there now.

    Args:
        pid: of a process of our own.
        folder: where it writes what is to be refused.

    Yields:
        The limit in bytes.

    Raises:
        ScribeError: the system does not allow it.
    """
    limit = max((file.stat().st_size for file in folder.rglob("*") if file.is_file()), default=0)
    _limit(pid, limit)
    try:
        yield limit
    finally:
        _limit(pid, None)


def _limit(pid: int, size: int | None) -> None:
    try:
        _set_limit(pid, size)
    except (OSError, ValueError) as error:
        raise ScribeError(
            "The disk cannot be made full", f"The server's process cannot be limited: {error}."
        ) from error
