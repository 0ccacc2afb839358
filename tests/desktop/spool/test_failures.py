import errno
import sqlite3

import pytest

from scribe_desktop.errors import SpoolError
from scribe_desktop.spool.failures import FailureKind, converted, from_os, from_sqlite


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, FailureKind.DISK_FULL),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, FailureKind.LOCKED),
        (sqlite3.SQLITE_READONLY_DBMOVED, FailureKind.READ_ONLY),
        (sqlite3.SQLITE_IOERR_FSYNC, FailureKind.IO),
        (sqlite3.SQLITE_CORRUPT, FailureKind.DAMAGED),
        (sqlite3.SQLITE_NOTADB, FailureKind.DAMAGED),
        (sqlite3.SQLITE_CONSTRAINT, FailureKind.OTHER),
    ],
)
def test_each_result_code_has_its_kind(code: int, kind: FailureKind) -> None:
    error = sqlite3.OperationalError("no luck")
    error.sqlite_errorcode = code
    failure = from_sqlite(error)
    assert failure.kind is kind
    assert "no luck" in failure.message


def test_different_failures_have_different_remedies() -> None:
    remedies = set()
    codes = (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
    )
    for code in codes:
        error = sqlite3.OperationalError("x")
        error.sqlite_errorcode = code
        remedies.add(from_sqlite(error).remedy)
    assert len(remedies) == len(codes)
    assert "" not in remedies


def test_an_error_without_a_code_is_still_ours() -> None:
    assert from_sqlite(sqlite3.ProgrammingError("closed")).kind is FailureKind.OTHER


def test_the_file_systems_errors_are_told_apart() -> None:
    assert from_os(PermissionError(errno.EACCES, "denied", "f")).kind is FailureKind.READ_ONLY
    assert from_os(OSError(errno.ENOSPC, "full", "f")).kind is FailureKind.DISK_FULL
    assert from_os(OSError(errno.EIO, "broken", "f")).kind is FailureKind.IO


def test_a_foreign_exception_becomes_ours_at_the_door() -> None:
    with pytest.raises(SpoolError, match="broken"), converted():
        raise OSError(errno.EIO, "broken")
