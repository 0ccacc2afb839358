"""Where damaged files are kept: `quarantine/<time>/` beside the spool; nothing in it is deleted."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scribe_desktop.spool.failures import converted

FILE_NAME: Final = "spool.sqlite3"
REPORT: Final = "salvage.json"
_FOLDER: Final = "quarantine"
_SIDE_FILES: Final = ("-wal", "-shm")


def side_file(path: Path, ending: str) -> Path:
    """One of the files that SQLite keeps beside a database (`-wal`, `-shm`)."""
    return path.with_name(path.name + ending)


def put_aside(folder: Path, clock: Callable[[], int]) -> Path:
    """Move a damaged spool with its side files away; returns where the database is, or would be.

    Dying in the middle is harmless: what is left behind follows at the next call.

    Raises:
        SpoolFailureError: the folder cannot be written.
    """
    path = folder / FILE_NAME
    with converted():
        target = _place_for(folder, clock, leftovers=not path.exists()) / FILE_NAME
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.parent.parent.chmod(0o700)
        # The database first: a log without its database is known to belong to the newest one here.
        if path.exists():
            path.rename(target)
        for ending in _SIDE_FILES:
            beside = side_file(path, ending)
            if beside.exists():
                beside.rename(side_file(target, ending))
        for changed in (target.parent, folder):
            sync_folder(changed)
    return target


def quarantined(folder: Path) -> list[Path]:
    """The damaged databases that were put aside, oldest first."""
    return sorted(place / FILE_NAME for place in (folder / _FOLDER).glob("*/"))


def waiting(folder: Path) -> list[Path]:
    """Those from which nothing has been taken over yet, or not everything."""
    return [path for path in quarantined(folder) if not path.with_name(REPORT).exists()]


def write_report(path: Path, text: str) -> None:
    """Put the report of a salvage beside its database, whole or not at all.

    Raises:
        SpoolFailureError: the folder cannot be written.
    """
    write_whole(path.with_name(REPORT), text.encode())


def write_whole(path: Path, data: bytes) -> None:
    """Make a private file durable, whole or not at all, with its folder when that is not there.

    Raises:
        SpoolFailureError: the folder cannot be written.
    """
    beside = path.with_suffix(".new")
    with converted():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        sync_folder(path.parent)


def _place_for(folder: Path, clock: Callable[[], int], *, leftovers: bool) -> Path:
    known = quarantined(folder)
    if leftovers and known and not side_file(known[-1], "-wal").exists():
        return known[-1].parent
    stamp = datetime.fromtimestamp(clock() / 1000, UTC).strftime("%Y%m%dT%H%M%S%f")
    place = folder / _FOLDER / stamp
    number = 1
    while place.exists():
        number += 1
        place = folder / _FOLDER / f"{stamp}-{number}"
    return place


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; OSError when the disk refuses."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
