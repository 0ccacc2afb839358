"""One owner per server folder."""

import os
from pathlib import Path
from typing import Self

from scribe_server.errors import StartupError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no flock
    fcntl = None  # type: ignore[assignment]  # absent on Windows, asked for below


class FolderLock:
    """Holds `server.lock` in a folder until released or the process ends.

    The lock is flock(2)'s: the kernel frees it when its holder dies, so no stale lock remains.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "server.lock"
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Take the lock.

        Raises:
            StartupError: another process holds it.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StartupError(
                f"Another Scribe server uses {self._path.parent}.",
                "Stop it first, or give this one another --data-dir.",
            ) from error
        self._descriptor = descriptor
        return self

    def release(self) -> None:
        """Give the lock back; does nothing when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
