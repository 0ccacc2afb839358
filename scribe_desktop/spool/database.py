"""Opening the spool's file: pragmas, owner's checks, and making way for a new one."""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from scribe_desktop.spool.damage import is_damaged, unmark_suspect
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError, converted
from scribe_desktop.spool.lock import SpoolLock, SpoolUse
from scribe_desktop.spool.quarantine import FILE_NAME, put_aside, sync_folder
from scribe_desktop.spool.schema import migrate, refuse_newer

PAGE_SIZE: Final = 8_192
"""Bytes, of a new file; an older one keeps its own. Set before WAL: the other order silently
stays at 4096."""
CHECKPOINT_BYTES: Final = 32 << 20
"""A commit that finds the WAL longer than this moves it into the database."""
_OF_THE_FILE: Final = (f"page_size = {PAGE_SIZE}", "auto_vacuum = INCREMENTAL")
_BUSY_S: Final = 10.0
_SYNCHRONOUS_FULL: Final = 2
_DURABLE: Final = {
    "journal_mode": "wal",
    "synchronous": _SYNCHRONOUS_FULL,
    "fullfsync": 1,
    "foreign_keys": 1,
}


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file, where a damaged one before it was put, and the sign that it is in use."""

    db: Database
    quarantined: Path | None
    use: SpoolUse


def open_owned(folder: Path, clock: Callable[[], int], checkpoint_bytes: int) -> Opened:
    """Open for writing, migrated; a damaged file that nobody uses makes way for a new one.

    Commits of this connection move the WAL into the database when it is longer than
    `checkpoint_bytes`.

    Raises:
        SpoolFailureError: when the folder cannot be written, or the file is newer or in use.
    """
    with converted():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    path = folder / FILE_NAME
    # One opener at a time: a file that is just being made is not a damaged one.
    with SpoolLock.acquire(folder / "spool.opening", wait=True):
        use = SpoolUse(folder / "spool.in-use")
        try:
            aside: Path | None = None
            # A file that another thread has open stays: what it commits there must not get lost.
            if use.alone:
                if is_damaged(path, _connection):
                    aside = put_aside(folder, clock)
                unmark_suspect(folder)
            db = _connect_owned(path, checkpoint_bytes)
            use.share()
        except BaseException:
            use.end()
            raise
    return Opened(db, aside, use)


def open_for_reading(folder: Path) -> Database:
    """Open without being able to write.

    Raises:
        SpoolFailureError: of kind MISSING when there is no file, or why it cannot be read.
    """
    path = folder / FILE_NAME
    if not path.exists():
        raise SpoolFailureError(FailureKind.MISSING, f"There is no {FILE_NAME} in {folder}.")
    with converted():
        connection = _connection(f"{path.absolute().as_uri()}?mode=ro")
        try:
            db = Database(connection)
            refuse_newer(db)
        except BaseException:
            connection.close()
            raise
    return db


def _connection(uri: str) -> sqlite3.Connection:
    """Durable whatever it is used for: even one that only looks moves the WAL when it closes."""
    # No implicit transactions: every write begins with our own BEGIN IMMEDIATE.
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        for pragma in ("synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_owned(path: Path, checkpoint_bytes: int) -> Database:
    with converted():
        if path.exists():
            _must_be_writable(path)
        else:
            _make(path)
        connection = _connection(path.absolute().as_uri())
        try:
            db = Database(connection)
            if path.stat().st_size:
                refuse_newer(db)
            _set_pragmas(connection)
            _set_checkpoint(connection, checkpoint_bytes)
            migrate(db)
        except BaseException:
            connection.close()
            raise
    return db


def _make(path: Path) -> None:
    """Make a new file as a whole: a crash on the way leaves none that would look damaged."""
    beside = path.with_suffix(".new")
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        connection = _connection(beside.absolute().as_uri())
        try:
            # It is not used before it is whole and synced: no journal, and one sync at the end.
            for pragma in (*_OF_THE_FILE, "journal_mode = OFF", "synchronous = OFF"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            migrate(Database(connection))
        finally:
            connection.close()
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
    sync_folder(path.parent)


def _must_be_writable(path: Path) -> None:
    """Make a file that is there its owner's alone, and refuse one that cannot be written.

    It is not opened for that: on POSIX, closing any descriptor of a file drops all locks that this
    process has on it, also those of SQLite in other threads. Other processes then take the
    write-ahead log away while it is used (sqlite.org/howtocorrupt.html, section 2.2).
    """
    path.chmod(0o600)
    if not os.access(path, os.R_OK | os.W_OK):
        raise SpoolFailureError(FailureKind.READ_ONLY, f"{path} cannot be written.")


def _set_pragmas(connection: sqlite3.Connection) -> None:
    for pragma in (
        *_OF_THE_FILE,
        "journal_mode = WAL",
        "temp_store = MEMORY",
        "foreign_keys = ON",
        "journal_size_limit = 67108864",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    found = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "fullfsync", "foreign_keys")
    }
    if found != _DURABLE:
        raise SpoolFailureError(
            FailureKind.OTHER,
            f"The file does not promise durability: {found}.",
            "Keep the recordings on a local disk, not on a network share.",
        )


def _set_checkpoint(connection: sqlite3.Connection, length: int) -> None:
    """Convert bytes to pages of this file: an older one has pages of another size."""
    page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.execute(f"PRAGMA wal_autocheckpoint = {max(1, length // page_size)}")
