"""Whether every archive that the books name is where it was put, byte for byte."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select

from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.rows import waiting_jobs
from scribe_server.store.checkup.findings import Finding, Kind
from scribe_server.store.database import Database
from scribe_server.store.errors import ArchiveMissingError, StorageError
from scribe_server.store.schema import archives, sessions, users

_ROWS: Final[Select[Any]] = (
    select(archives, sessions.c.uuid, users.c.name)
    .join(sessions, sessions.c.id == archives.c.session)
    .join(users, users.c.id == sessions.c.owner)
    .order_by(archives.c.id)
)


class ArchiveCheck:
    """Compares rows and place; with `quick` sizes only, else every byte is read and hashed.

    `looked_at` and `hashed_bytes` count what was compared; `unknown` are keys that no row names.
    """

    def __init__(self, database: Database, place: ArchivePlace, *, quick: bool) -> None:
        self._database = database
        self._place = place
        self._quick = quick
        self.looked_at = 0
        self.hashed_bytes = 0
        self.unknown: list[str] = []

    def findings(self) -> Iterator[Finding]:
        """What is wrong. A place out of reach is one finding and ends the check.

        Raises:
            StorageError: the database refused.
        """
        with self._database.snapshot() as connection:
            rows = connection.execute(_ROWS).all()
        try:
            for row in rows:
                self.looked_at += 1
                if (problem := self._problem(row)) is not None and self._is_current(row):
                    yield problem
            yield from self._unknown()
        except StorageError as error:
            message = f"The archives in {self._place.name} cannot be checked: {error}"
            yield Finding(Kind.ARCHIVE_UNREACHABLE, message)

    def _problem(self, row: Row[Any]) -> Finding | None:
        try:
            size, sha256 = self._measured(row)
        except ArchiveMissingError:
            words, kind = f"is missing in {self._place.name}", Kind.ARCHIVE_MISSING
        else:
            if (size, sha256) == (row.size, bytes(row.sha256)):
                return None
            words, kind = f"is not what was put into {self._place.name}", Kind.ARCHIVE_DAMAGED
        message = f"The archive {row.key} of session {row.uuid} of {row.name} {words}."
        return Finding(kind, message, session=row.uuid, user=row.name)

    def _measured(self, row: Row[Any]) -> tuple[int, bytes]:
        if not self._quick:
            size, sha256 = hash_of(self._place, row.key)
            self.hashed_bytes += size
            return size, sha256
        found = self._place.size(row.key)
        if found is None:
            raise ArchiveMissingError(row.key)
        return found, bytes(row.sha256)

    def _is_current(self, row: Row[Any]) -> bool:
        """Whether it was not replaced or deleted while it was looked at."""
        with self._database.snapshot() as connection:
            found = connection.execute(select(archives.c.id).where(archives.c.id == row.id))
            return found.first() is not None

    def _unknown(self) -> Iterator[Finding]:
        there = set(self._place.keys())
        with self._database.snapshot() as connection:
            there -= known_keys(connection)
        self.unknown = sorted(there)
        for key in self.unknown:
            message = f"The archive {key} in {self._place.name} is not in the books."
            yield Finding(Kind.ARCHIVE_UNKNOWN, message)


def known_keys(connection: Connection) -> set[str]:
    """The keys that rows and jobs name."""
    rows = connection.execute(select(archives.c.key)).scalars()
    return {*rows, *(job.key for job in waiting_jobs(connection))}


def hash_of(place: ArchivePlace, key: str) -> tuple[int, bytes]:
    """Size and SHA-256 of an archive as it is where it was put.

    Raises:
        ArchiveMissingError: there is none.
        StorageFailedError: its place cannot be reached.
    """
    size, whole = 0, hashlib.sha256()
    for piece in place.stream(key):
        whole.update(piece)
        size += len(piece)
    return size, whole.digest()
