"""The spool as everyone sees it: opening, and the parts put together."""

from collections.abc import Callable
from pathlib import Path
from typing import Self

from scribe_desktop.model import now_ms
from scribe_desktop.spool.checkup import CheckupRows
from scribe_desktop.spool.database import CHECKPOINT_BYTES, open_for_reading, open_owned
from scribe_desktop.spool.delivery import DeliveryRows
from scribe_desktop.spool.salvage import SalvageRows
from scribe_desktop.spool.sessions import SessionRows


class Spool(SessionRows, DeliveryRows, SalvageRows, CheckupRows):
    """Sessions and chunks that are safe on this computer.

    Every method raises SpoolError (as SpoolFailureError, with its kind) for what SQLite or the file
    system refuses. An object belongs to the thread that opened it.
    """

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Callable[[], int] = now_ms,
        checkpoint_bytes: int = CHECKPOINT_BYTES,
    ) -> Self:
        """Open for writing; a damaged file is put aside (`quarantined`) and a new one made.

        `salvage_quarantined` then takes over what can still be read of it.

        Args:
            folder: where the file is.
            clock: ms since 1970 UTC.
            checkpoint_bytes: how long the WAL may be before a commit of this object moves it
                into the database; of several threads, the one with the least does it for all.

        Raises:
            SpoolError: the folder cannot be written, or the file is newer or locked.
        """
        opened = open_owned(folder, clock, checkpoint_bytes)
        spool = cls(folder, opened.db, clock=clock, quarantined=opened.quarantined, use=opened.use)
        try:
            spool.finish_deletions()
        except BaseException:
            spool.close()
            raise
        return spool

    @classmethod
    def open_read_only(cls, folder: Path) -> Self:
        """Open without being able to change anything, also while an owner writes.

        Raises:
            SpoolError: there is no spool, or it is newer or cannot be read.
        """
        return cls(folder, open_for_reading(folder))
