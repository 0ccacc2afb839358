"""A damaged spool, read around its bad pages; the file is never changed.

A file that is empty or does not begin as a database is put together with its log first, beside it.

A page that cannot be read makes every query that touches it fail. So rows are asked for by ranges
of their number, and a range that fails is halved until only the rows of the bad page are missing.
"""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from scribe_desktop.spool.broken_log import is_log_broken
from scribe_desktop.spool.damage import begins_as_database
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError, converted
from scribe_desktop.spool.quarantine import side_file
from scribe_desktop.spool.wal import committed, rebuild

Row = dict[str, Any]

STEP: Final = 1_024
"""Rows that are asked for at once."""
MOST_FAILURES: Final = 50_000
"""Failed queries after which the rest of a table is given up: its root is gone."""
_LEAST_ROW: Final = 64
"""Bytes: no row of a table with numbered rows is shorter, which bounds their number."""
_BUSY_S: Final = 10.0
_REBUILT: Final = "rebuilt.sqlite3"
_FORMAT_VERSIONS: Final = 18


class Wreck:
    """An open damaged file.

    Attributes:
        unreadable: per table, how many row numbers lie on pages that cannot be read.
        log_is_broken: commits were lost with its log, nobody can tell of what.

    Raises:
        SpoolFailureError: it cannot even be opened.
    """

    def __init__(self, path: Path) -> None:
        self.unreadable: Counter[str] = Counter()
        self._failures = 0
        with converted():
            self.log_is_broken = begins_as_database(path) and is_log_broken(path)
            self._rebuilt = _rebuilt(path)
            readable = self._rebuilt or path
            self._size = readable.stat().st_size if readable.exists() else 0
            if not self._size:
                raise SpoolFailureError(FailureKind.DAMAGED, "The file is empty.")
            self._connection = sqlite3.connect(
                f"{readable.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S
            )
        self._connection.row_factory = sqlite3.Row
        self._connection.text_factory = lambda data: data.decode("utf-8", "replace")
        try:
            with converted():
                # So a schema that does not parse, and a file shorter than it says, are put up with.
                self._connection.execute("PRAGMA writable_schema = ON")
                self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file, and remove what was put together from its log."""
        self._connection.close()
        if self._rebuilt is not None:
            with converted():
                self._rebuilt.unlink(missing_ok=True)

    def rows(self, table: str, key: str = "id") -> Iterator[Row]:
        """The readable rows of a table in ascending order of their number."""
        self._failures = 0
        highest = self._highest(table, key)
        for first in range(1, highest + 1, STEP):
            yield from self._between(table, key, first, min(first + STEP - 1, highest))

    def audio(self, chunk: int) -> bytes | None:
        """The bytes of a chunk by its row number; None when they are not there or unreadable."""
        try:
            row = self._connection.execute(
                "SELECT data FROM audio WHERE chunk = ?", (chunk,)
            ).fetchone()
        except sqlite3.DatabaseError:
            return None
        return row["data"] if row is not None and isinstance(row["data"], bytes) else None

    def meta(self) -> dict[str, str]:
        """The remembered values that can be read, from both ends of the table."""
        found: dict[str, str] = {}
        for direction in ("ASC", "DESC"):
            try:
                for row in self._connection.execute(
                    f"SELECT key, value FROM meta ORDER BY key {direction}"  # noqa: S608 - ours
                ):
                    if isinstance(row["key"], str) and isinstance(row["value"], str):
                        found[row["key"]] = row["value"]
            except sqlite3.DatabaseError:
                self.unreadable["meta"] = 1
            else:
                break
        return found

    def _highest(self, table: str, key: str) -> int:
        most = self._size // _LEAST_ROW
        try:
            row = self._connection.execute(f"SELECT max({key}) FROM {table}").fetchone()  # noqa: S608
        except sqlite3.DatabaseError:
            return most
        # A number out of all proportion comes from a page that was overwritten.
        return min(int(row[0]), most) if isinstance(row[0], int) else 0

    def _between(self, table: str, key: str, first: int, last: int) -> Iterator[Row]:
        ranges = [(first, last)]
        while ranges:
            low, high = ranges.pop()
            # A single row is looked up: a range would also read the page behind it.
            where = f"{key} = ?" if low == high else f"{key} BETWEEN ? AND ?"
            values = (low,) if low == high else (low, high)
            try:
                if self._failures > MOST_FAILURES:
                    raise sqlite3.DatabaseError("given up")
                found = self._connection.execute(
                    f"SELECT * FROM {table} WHERE {where} ORDER BY {key}",  # noqa: S608 - ours
                    values,
                ).fetchall()
            except sqlite3.DatabaseError:
                self._failures += 1
                if low == high or self._failures > MOST_FAILURES:
                    self.unreadable[table] += high - low + 1
                else:
                    middle = (low + high) // 2
                    ranges += [(middle + 1, high), (low, middle)]
            else:
                yield from (dict(row) for row in found)


def _rebuilt(path: Path) -> Path | None:
    """A copy with the pages of the log, where SQLite would not read the log; else None."""
    log = side_file(path, "-wal")
    if not log.exists() or begins_as_database(path):
        return None
    target = path.with_name(_REBUILT)
    with log.open("rb") as pages:
        found = committed(pages)
        if found is None:
            return None
        with ExitStack() as files:
            file = files.enter_context(path.open("rb")) if path.exists() else BytesIO()
            descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            copy = files.enter_context(os.fdopen(descriptor, "w+b"))
            rebuild(file, pages, found, copy)
            # No log belongs to the copy (sqlite.org/fileformat2.html, 1.3.3).
            copy.seek(_FORMAT_VERSIONS)
            copy.write(b"\x01\x01")
    return target
