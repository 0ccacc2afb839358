"""Opening the spool's file: pragmas, owner's checks, and putting a damaged file aside."""

import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlite_utils import Database

from scribe_desktop.spool.failures import (
    FailureKind,
    SpoolFailureError,
    converted,
    from_sqlite,
)
from scribe_desktop.spool.lock import SpoolLock
from scribe_desktop.spool.schema import migrate, refuse_newer

FILE_NAME: Final = "spool.sqlite3"
PAGE_SIZE: Final = 8_192
"""Bytes, of a new file; an older one keeps its own. Set before WAL: the other order silently
stays at 4096."""
CHECKPOINT_BYTES: Final = 32 << 20
"""A commit that finds the WAL longer than this moves it into the database."""
_MAGIC: Final = b"SQLite format 3\x00"
_SUSPECT: Final = "spool.suspect"
_BUSY_S: Final = 10.0
_SYNCHRONOUS_FULL: Final = 2
_DURABLE: Final = {
    "journal_mode": "wal",
    "synchronous": _SYNCHRONOUS_FULL,
    "fullfsync": 1,
    "foreign_keys": 1,
}
_TABLES: Final = ("sessions", "chunks", "audio", "gaps", "markers", "receipts", "meta")


def open_owned(
    folder: Path, clock: Callable[[], int], checkpoint_bytes: int
) -> tuple[Database, Path | None]:
    """Open for writing, migrated; also where a damaged file was put, if there was one.

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
        aside: Path | None = None
        if path.exists() and _is_damaged(path):
            aside = _put_aside(path, clock)
        (folder / _SUSPECT).unlink(missing_ok=True)
        db = _connect_owned(path, checkpoint_bytes)
    return db, aside


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


def mark_suspect(folder: Path) -> None:
    """Note that SQLite found damage, so that the next open looks at the whole file."""
    (folder / _SUSPECT).touch(mode=0o600)


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
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        connection = _connection(path.absolute().as_uri())
        try:
            _set_pragmas(connection)
            _set_checkpoint(connection, checkpoint_bytes)
            db = Database(connection)
            refuse_newer(db)
            migrate(db)
        except BaseException:
            connection.close()
            raise
    return db


def _set_pragmas(connection: sqlite3.Connection) -> None:
    for pragma in (
        f"page_size = {PAGE_SIZE}",
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
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


def _is_damaged(path: Path) -> bool:
    with converted(), path.open("rb") as file:
        # SQLite would drop the WAL beside a file that does not begin like this.
        if file.read(len(_MAGIC)) != _MAGIC:
            return True
    try:
        # Writing is allowed here so that SQLite can recover the WAL of a crash.
        connection = _connection(path.absolute().as_uri())
        try:
            return not _looks_whole(connection, thorough=(path.parent / _SUSPECT).exists())
        finally:
            connection.close()
    except sqlite3.Error as error:
        failure = from_sqlite(error)
        if failure.kind is FailureKind.DAMAGED:
            return True
        raise failure from error


def _looks_whole(connection: sqlite3.Connection, *, thorough: bool) -> bool:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    for table in tables.intersection(_TABLES):
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608 - ours
    if not thorough:
        return True
    return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")


def _put_aside(path: Path, clock: Callable[[], int]) -> Path:
    stamp = datetime.fromtimestamp(clock() / 1000, UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    with converted():
        for ending in ("-wal", "-shm"):
            side_file = path.with_name(path.name + ending)
            if side_file.exists():
                side_file.rename(aside.with_name(aside.name + ending))
        path.rename(aside)
    return aside
