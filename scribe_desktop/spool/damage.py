"""Whether the spool's file can be used as it is, looked at before it is opened for writing."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scribe_desktop.spool.broken_log import is_log_broken
from scribe_desktop.spool.failures import FailureKind, converted, from_sqlite
from scribe_desktop.spool.quarantine import side_file

log = logging.getLogger(__name__)

TABLES: Final = ("sessions", "chunks", "audio", "gaps", "markers", "receipts", "meta")
ALWAYS_WHOLE: Final = 32 << 20
"""Bytes of a file that is checked page by page at each start: it takes some 50 ms."""
WHOLE_AFTER_CRASH: Final = 256 << 20
"""The same after a start that was not ended properly. A longer file is checked page by page only
when damage was met in it: recording must not wait for minutes."""
_MAGIC: Final = b"SQLite format 3\x00"
_SUSPECT: Final = "spool.suspect"

Connect = Callable[[str], sqlite3.Connection]


def is_damaged(path: Path, connect: Connect) -> bool:
    """Whether the file cannot be trusted: no database, a torn schema, broken pages or log.

    What is found counts when it is found twice. A read that fails makes SQLite tell of broken
    pages, too, and a disk that failed once must not cost the list of recordings.

    Args:
        path: the file; one that is not there is damaged only when its log has been left behind.
        connect: opens a URI.

    Raises:
        SpoolFailureError: it cannot be looked at, which says nothing about damage.
    """
    return _looks_damaged(path, connect) and _looks_damaged(path, connect)


def _looks_damaged(path: Path, connect: Connect) -> bool:
    with converted():
        log = side_file(path, "-wal")
        log_size = log.stat().st_size if log.exists() else 0
        if not path.exists():
            return log_size > 0
        size = path.stat().st_size
        # SQLite would drop the WAL beside a file that does not begin like this.
        if not begins_as_database(path):
            return True
        if is_log_broken(path):
            return True
    thorough = is_suspect(path.parent) or size <= (WHOLE_AFTER_CRASH if log_size else ALWAYS_WHOLE)
    try:
        # Writing is allowed here so that SQLite can recover the WAL of a crash.
        connection = connect(path.absolute().as_uri())
        try:
            return not _looks_whole(connection, thorough=thorough)
        finally:
            connection.close()
    except sqlite3.Error as error:
        failure = from_sqlite(error)
        if failure.kind is FailureKind.DAMAGED:
            return True
        raise failure from error


def begins_as_database(path: Path) -> bool:
    """Whether a file is there and begins with SQLite's sixteen bytes."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def mark_suspect(folder: Path) -> None:
    """Note that SQLite found damage, so that the next open looks at the whole file.

    A disk that does not take the note must not hide the damage: that is logged only.
    """
    try:
        (folder / _SUSPECT).touch(mode=0o600)
    except OSError as error:
        log.warning("the damage could not be noted for the next start: %s", error)


def is_suspect(folder: Path) -> bool:
    """Whether SQLite has found damage since the spool was opened."""
    return (folder / _SUSPECT).exists()


def unmark_suspect(folder: Path) -> None:
    """Forget that note: the file was looked at, or a new one takes its place."""
    with converted():
        (folder / _SUSPECT).unlink(missing_ok=True)


def first_damage(connection: sqlite3.Connection) -> str:
    """What SQLite finds wrong with the pages of a database first; empty when nothing is."""
    found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return "" if found == "ok" else found


def _looks_whole(connection: sqlite3.Connection, *, thorough: bool) -> bool:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    ours = tables.intersection(TABLES)
    if ours and len(ours) < len(TABLES):
        return False
    for table in ours:
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608 - ours
    return not thorough or not first_damage(connection)
