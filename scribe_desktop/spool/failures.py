"""The door for SQLite's exceptions: each becomes a SpoolFailureError that says what to do."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from scribe_desktop.errors import SpoolError


class FailureKind(StrEnum):
    """What is wrong with the spool, for callers that act on it."""

    DISK_FULL = "disk-full"
    LOCKED = "locked"
    READ_ONLY = "read-only"
    IO = "io"
    DAMAGED = "damaged"
    DAMAGED_CHUNK = "damaged-chunk"
    NEWER = "newer"
    MISSING = "missing"
    NOT_FOUND = "not-found"
    CONTRADICTION = "contradiction"
    OTHER = "other"


MOVING_HELPS: Final = frozenset({FailureKind.DAMAGED, FailureKind.IO, FailureKind.READ_ONLY})
"""What a running program can escape by going on in another file or folder."""


class SpoolFailureError(SpoolError):
    """A SpoolError with its kind."""

    def __init__(self, kind: FailureKind, message: str, remedy: str = "") -> None:
        super().__init__(_TITLES[kind], message, remedy or _REMEDIES.get(kind, ""))
        self.kind = kind


_TITLES: Final = {
    FailureKind.DISK_FULL: "The disk is full",
    FailureKind.LOCKED: "The recordings are in use",
    FailureKind.READ_ONLY: "The recordings' folder cannot be written",
    FailureKind.IO: "The disk reports an error",
    FailureKind.DAMAGED: "The recordings' database is damaged",
    FailureKind.DAMAGED_CHUNK: "A part of a recording is damaged",
    FailureKind.NEWER: "The recordings were made by a newer version",
    FailureKind.MISSING: "There are no recordings yet",
    FailureKind.NOT_FOUND: "There is no such recording",
    FailureKind.CONTRADICTION: "Two different parts claim the same place",
    FailureKind.OTHER: "The recordings' database failed",
}

_REMEDIES: Final = {
    FailureKind.DISK_FULL: "Free some space; nothing that was saved is lost.",
    FailureKind.LOCKED: "Close the other program that uses the file and try again.",
    FailureKind.READ_ONLY: "Check who owns the folder and that its disk is writable.",
    FailureKind.IO: "Check the disk; copy the recordings elsewhere if it keeps happening.",
    FailureKind.DAMAGED: "Restart Scribe: it puts the file aside and goes on with a new one.",
    FailureKind.DAMAGED_CHUNK: "Check the disk; the other parts of the recording are intact.",
    FailureKind.NEWER: "Install the newest version of Scribe.",
    FailureKind.MISSING: "Record something first.",
}

_KINDS: Final = {
    sqlite3.SQLITE_FULL: FailureKind.DISK_FULL,
    sqlite3.SQLITE_BUSY: FailureKind.LOCKED,
    sqlite3.SQLITE_LOCKED: FailureKind.LOCKED,
    sqlite3.SQLITE_READONLY: FailureKind.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: FailureKind.READ_ONLY,
    sqlite3.SQLITE_PERM: FailureKind.READ_ONLY,
    sqlite3.SQLITE_AUTH: FailureKind.READ_ONLY,
    sqlite3.SQLITE_IOERR: FailureKind.IO,
    sqlite3.SQLITE_CORRUPT: FailureKind.DAMAGED,
    sqlite3.SQLITE_NOTADB: FailureKind.DAMAGED,
}

_ERRNOS: Final = {
    errno.ENOSPC: FailureKind.DISK_FULL,
    errno.EDQUOT: FailureKind.DISK_FULL,
    errno.EACCES: FailureKind.READ_ONLY,
    errno.EPERM: FailureKind.READ_ONLY,
    errno.EROFS: FailureKind.READ_ONLY,
    errno.ENOTDIR: FailureKind.READ_ONLY,
    errno.EEXIST: FailureKind.READ_ONLY,
}


def from_sqlite(error: sqlite3.Error) -> SpoolFailureError:
    """The failure that stands for an exception of SQLite (by its primary result code)."""
    code = getattr(error, "sqlite_errorcode", None)
    kind = FailureKind.OTHER if code is None else _KINDS.get(code & 0xFF, FailureKind.OTHER)
    return SpoolFailureError(kind, f"SQLite says: {error}.")


def from_os(error: OSError) -> SpoolFailureError:
    """The failure that stands for an exception of the file system."""
    kind = _ERRNOS.get(error.errno or 0, FailureKind.IO)
    return SpoolFailureError(kind, f"{error.strerror or error}: {error.filename or 'the spool'}.")


@contextmanager
def converted() -> Iterator[None]:
    """Turn what SQLite and the file system raise inside into a SpoolFailureError."""
    try:
        yield
    except sqlite3.Error as error:
        raise from_sqlite(error) from error
    except OSError as error:
        raise from_os(error) from error
