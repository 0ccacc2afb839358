"""Lives that mend: a damaged spool taken over, a lost database made anew, a folder repaired."""

from contextlib import closing
from pathlib import Path

from scribe_desktop.spool import Spool
from scribe_server.errors import StartupError
from scribe_server.store.database import DATABASE_NAME
from scribe_server.store.rebuild import rebuild
from scribe_server.store.segments import SegmentStore
from tests.faults.crash_points.server import FOLDER
from tests.parts.damage import NOW, mend


def salvage(folder: Path) -> None:
    """Open the spool as every start does, and take over what was put aside."""
    with closing(Spool.open(folder / "spool")) as spool:
        spool.salvage_quarantined()


def rebuild_database(folder: Path) -> None:
    """Make a new database, unless an earlier attempt got as far as that."""
    place = folder / FOLDER
    with closing(SegmentStore(place / "segments", {})) as blobs:
        try:
            rebuild(place / DATABASE_NAME, blobs, NOW)
        except StartupError as refusal:
            if "is sound" not in str(refusal):
                raise


def mend_folder(folder: Path) -> None:
    """What `doctor --fix` does."""
    mend(folder / FOLDER)
