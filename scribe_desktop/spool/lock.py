"""The lock that makes one process the owner of a spool."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scribe_desktop.errors import SpoolError
from scribe_desktop.spool.failures import from_os

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, wait: bool) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

    def _share(descriptor: int) -> None:
        """Nothing to do: Windows moves no file that somebody has open."""

else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _share(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_SH)


class SpoolLock:
    """An advisory lock on a file; it ends with the process, however that ends."""

    @staticmethod
    @contextmanager
    def acquire(path: Path, *, wait: bool = False) -> Iterator[None]:
        """Hold the lock while the context is open.

        Args:
            path: the lock file; made if it is not there, never removed.
            wait: wait for the present holder instead of raising.

        Raises:
            SpoolError: "already open" when another process or owner holds it.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise from_os(error) from error
        try:
            try:
                _lock(descriptor, wait=wait)
            except OSError as error:
                raise SpoolError(
                    "The recordings are already open",
                    f"Another Scribe holds {path.name}.",
                    "Use the window that is open, or close it first.",
                ) from error
            yield
        finally:
            os.close(descriptor)

    @staticmethod
    def is_held(path: Path) -> bool:
        """Whether somebody holds the lock now; the file is not made."""
        if not path.exists():
            return False
        try:
            with SpoolLock.acquire(path):
                return False
        except SpoolError:
            return True


class SpoolUse:
    """Says that somebody has the spool's file open, so that it is not moved away under them.

    To be made, and shared, by one opener at a time.

    Attributes:
        alone: nobody else has the file open.

    Raises:
        SpoolFailureError: the lock file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise from_os(error) from error
        try:
            _lock(self._descriptor, wait=False)
        except OSError:
            self.alone = False
        else:
            self.alone = True

    def share(self) -> None:
        """Let others use the file, too."""
        _share(self._descriptor)

    def end(self) -> None:
        """Use it no more; again does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
