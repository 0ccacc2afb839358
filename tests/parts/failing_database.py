"""SQLite on a disk that fails: faults at commit and at opening, each of which is counted."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy

from scribe_server.store import database


@dataclass
class DatabaseFaults:
    """So many commits, and so many openings, are going to fail."""

    commits: int = 0
    openings: int = 0
    fired: int = 0
    opened: int = 0


def io_error(code: int = sqlite3.SQLITE_IOERR_FSYNC) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


def plant(monkeypatch: pytest.MonkeyPatch) -> DatabaseFaults:
    """Let every database that is opened from now on fail as the faults say."""
    faults = DatabaseFaults()

    class Failing(sqlite3.Connection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            if faults.openings:
                faults.openings -= 1
                faults.fired += 1
                raise io_error(sqlite3.SQLITE_CANTOPEN)
            faults.opened += 1
            super().__init__(*arguments, **options)

        def commit(self) -> None:
            if faults.commits and self.in_transaction:
                faults.commits -= 1
                faults.fired += 1
                raise io_error()
            super().commit()

    def create_engine(*arguments: Any, **options: Any) -> sqlalchemy.Engine:
        return sqlalchemy.create_engine(*arguments, connect_args={"factory": Failing}, **options)

    monkeypatch.setattr(database, "create_engine", create_engine)
    return faults
