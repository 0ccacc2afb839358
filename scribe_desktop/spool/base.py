"""What every part of the spool stands on: one connection, transactions, converted errors."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from scribe_desktop.model import now_ms
from scribe_desktop.spool.damage import mark_suspect
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError, from_sqlite
from scribe_desktop.spool.lock import SpoolUse

Values = Mapping[str, Any]


class SpoolBase:
    """One connection to the spool's file, used by the thread that opened it."""

    quarantined: Path | None
    """Where a damaged file was put when this spool was opened, if there was one."""

    def __init__(
        self,
        folder: Path,
        db: Database,
        *,
        clock: Callable[[], int] = now_ms,
        quarantined: Path | None = None,
        use: SpoolUse | None = None,
    ) -> None:
        self._folder = folder
        self._db = db
        self._clock = clock
        self.quarantined = quarantined
        self._use = use

    def close(self) -> None:
        """Close the connection; closing again does nothing."""
        try:
            with self._guarded():
                self._db.conn.close()
        finally:
            if self._use is not None:
                self._use.end()

    def _rows(self, sql: str, values: Values | None = None) -> list[sqlite3.Row]:
        with self._guarded():
            return self._db.conn.execute(sql, values or {}).fetchall()

    def _row(self, sql: str, values: Values | None = None) -> sqlite3.Row | None:
        with self._guarded():
            row: sqlite3.Row | None = self._db.conn.execute(sql, values or {}).fetchone()
            return row

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its beginning.

        A deferred BEGIN that reads before it writes fails at once, whatever the time-out, when
        another thread committed in between.
        """
        connection = self._db.conn
        with self._guarded():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            failure = from_sqlite(error)
            if failure.kind is FailureKind.DAMAGED:
                mark_suspect(self._folder)
            raise failure from error

    def _key(self, session_id: str) -> int:
        """The row number of a session that has to be there."""
        row = self._row("SELECT id FROM sessions WHERE session_id = :id", {"id": session_id})
        if row is None:
            raise SpoolFailureError(FailureKind.NOT_FOUND, f"The session {session_id} is not here.")
        return int(row["id"])
