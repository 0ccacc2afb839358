"""When a recording has to end because the disk is full."""

from collections.abc import Callable
from pathlib import Path

from scribe_desktop.errors import SpoolError
from scribe_desktop.room import BALLAST, MB, RESERVE, Ballast, free_bytes
from scribe_desktop.spool import FailureKind, SpoolFailureError


class Limit:
    """The room for one recording in one folder, with a ballast that makes room for its end."""

    def __init__(
        self,
        folder: Path,
        *,
        ballast: Ballast | None = None,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder = folder
        self._ballast = ballast or Ballast(folder / "ballast")
        self._free = free

    def move(self, folder: Path) -> None:
        """The recording goes on in another folder."""
        self._folder = folder
        self._ballast = Ballast(folder / "ballast")
        self._ballast.fill()

    def check(self) -> None:
        """Make sure that a recording can begin, and that it will be able to end.

        Raises:
            SpoolFailureError: DISK_FULL.
        """
        free = self._free(self._folder)
        if free < RESERVE:
            raise SpoolFailureError(
                FailureKind.DISK_FULL,
                f"Only {free // MB} MB are free in {self._folder}.",
                f"Free at least {RESERVE // MB} MB, then record again.",
            )
        self._ballast.fill()

    def reached(self, trouble: SpoolError | None) -> SpoolFailureError | None:
        """Why the recording has to end now, or None.

        Args:
            trouble: what the spool or the journal refuses. When it is for a full disk, the ballast
                is given up; without one, the sound is held in the hope that somebody makes room.
        """
        free = self._free(self._folder)
        refused = isinstance(trouble, SpoolFailureError) and (trouble.kind is FailureKind.DISK_FULL)
        given_up = (refused or free < BALLAST) and self._ballast.drop()
        if not given_up and free >= RESERVE:
            return None
        return SpoolFailureError(
            FailureKind.DISK_FULL,
            f"The room in {self._folder} is used up. The recording was ended and is complete.",
        )
