"""Folders that have held recordings while the ordinary one could not be used.

Such a folder looks like the ordinary one: `spool/` and `journal/`. What is in it is taken over by
the ordinary spool (`take_over`, then its journals), and only then removed.
"""

import contextlib
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from scribe_desktop.errors import SpoolError
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError, converted
from scribe_desktop.spool.lock import SpoolLock
from scribe_desktop.spool.quarantine import (
    FILE_NAME,
    put_aside,
    side_file,
    waiting,
    write_report,
)
from scribe_desktop.spool.salvage import Salvage
from scribe_desktop.spool.spool import Spool

log = logging.getLogger(__name__)

OWNER_LOCK = "owner.lock"


@dataclass(frozen=True, slots=True)
class RescueFolder:
    """One such folder; it may not exist."""

    root: Path

    @property
    def spool(self) -> Path:
        """Where its spool is."""
        return self.root / "spool"

    @property
    def journals(self) -> Path:
        """Where its journals are."""
        return self.root / "journal"

    @property
    def is_ours(self) -> bool:
        """Whether it is there, a folder, and this person's: others may write to `/tmp`, too."""
        try:
            found = self.root.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()

    @property
    def has_recordings(self) -> bool:
        """Whether there is anything in it to be taken over."""
        if not self.is_ours:
            return False
        file = self.spool / FILE_NAME
        files = (file, side_file(file, "-wal"))
        try:
            journals = any(self.journals.glob("*.journal"))
            return journals or any(each.exists() for each in files) or bool(waiting(self.spool))
        except OSError:  # a folder of somebody else, a disk that is gone
            return False


@contextlib.contextmanager
def owned(folders: Iterable[Path]) -> Iterator[list[RescueFolder]]:
    """Those that are there and that no other Scribe uses, locked in this context."""
    with contextlib.ExitStack() as locks:
        ours = []
        for folder in map(RescueFolder, folders):
            # One without recordings is left over from a process that died while it removed it.
            if not folder.is_ours:
                continue
            try:
                locks.enter_context(SpoolLock.acquire(folder.root / OWNER_LOCK))
            except SpoolError as error:
                log.warning("the recordings in %s stay there for now: %s", folder.root, error)
            else:
                ours.append(folder)
        yield ours


def take_over(spool: Spool, folder: RescueFolder) -> list[Salvage]:
    """Add everything of a rescue folder that is not here yet; doing it again adds nothing.

    What the server has confirmed there is sent once more: it may have been another server.

    Raises:
        SpoolFailureError: one of the two refuses, or the folder's spool is newer.
    """
    file = folder.spool / FILE_NAME
    found = [spool.salvage(path, keep_acks=False) for path in waiting(folder.spool)]
    if file.exists() or side_file(file, "-wal").exists():
        _refuse_newer(folder.spool)
        found.append(spool.salvage(file, keep_acks=False))
    return found


def remove(folder: RescueFolder, found: Iterable[Salvage], clock: Callable[[], int]) -> None:
    """Remove what was taken over; a file of which something is missing is kept, in quarantine.

    Raises:
        SpoolFailureError: the folder cannot be written; it will be taken over once more.
    """
    file = folder.spool / FILE_NAME
    for each in found:
        if Path(each.place) != file:
            _report(Path(each.place), each)
        elif not each.complete:
            _report(put_aside(folder.spool, clock), each)
    with converted():
        # The log first: a database without its log is an older state of itself, and harmless.
        for ending in ("-wal", "-shm", ""):
            side_file(file, ending).unlink(missing_ok=True)
        for lock in ("spool.opening", "spool.in-use", "spool.suspect"):
            (folder.spool / lock).unlink(missing_ok=True)
        for ours in (OWNER_LOCK, "ballast"):
            (folder.root / ours).unlink(missing_ok=True)
        for emptied in (folder.spool, folder.journals, folder.root):
            _remove_empty(emptied)


def _report(path: Path, found: Salvage) -> None:
    told = msgspec.structs.replace(found, place=str(path))
    write_report(path, msgspec.json.encode(told).decode())


def _remove_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        log.info("%s is kept: there is something in it", folder)
    elif folder.exists():
        folder.rmdir()


def _refuse_newer(folder: Path) -> None:
    try:
        with closing(Spool.open_read_only(folder)):
            return
    except SpoolFailureError as failure:
        if failure.kind is FailureKind.NEWER:
            raise
