"""Connections to the SQLite database: WAL, synchronous=FULL, foreign keys, asserted on each.

`transaction` writes, `snapshot` reads; `read` and `write` do the same from asyncio, off the loop.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from scribe_server.errors import StartupError
from scribe_server.store.errors import (
    DatabaseLostError,
    StorageError,
    StorageFailedError,
    StorageFullError,
)
from scribe_server.store.migrate import REBUILD, ensure_schema, stored_revision
from scribe_server.store.schema import HEAD

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Connection], T]
WriteThread = Callable[[Work[Any]], Awaitable[Any]]

DATABASE_NAME: Final = "scribe.sqlite3"
_BUSY_MS: Final = 30_000
_READERS: Final = 2
_WORKERS: Final = 2
_PRIMARY: Final = 0xFF
"""The bits of an extended result code that name its kind (sqlite.org/rescode.html)."""
_LOST: Final = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def database_path(data_dir: Path, database_url: str | None) -> Path:
    """The SQLite file that DATABASE_URL names; without one it is in the data folder.

    Raises:
        StartupError: the URL is of another kind of database, or none at all.
    """
    if not database_url:
        return data_dir / DATABASE_NAME
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise StartupError(
            "DATABASE_URL is not a database address.",
            "Use sqlite:////path/to/file, or leave it out.",
        ) from error
    if url.get_backend_name() != "sqlite":
        raise StartupError(
            f"DATABASE_URL names {url.get_backend_name()}: not yet, this version keeps its books "
            "in SQLite only.",
            "Use sqlite:////path/to/file, or leave DATABASE_URL out.",
        )
    if not url.database or url.database == ":memory:":
        raise StartupError(
            "DATABASE_URL names no file.", "A recording must outlive the process: name a file."
        )
    return Path(url.database)


def is_current(path: Path) -> bool:
    """Whether the file is a database of exactly this program's schema; it is not changed.

    Raises:
        StartupError: it is damaged or not Scribe's.
    """
    engine = create_engine(URL.create("sqlite", database=str(path)))
    try:
        with engine.connect() as connection:
            return stored_revision(connection) == HEAD
    finally:
        engine.dispose()


def damages(path: Path) -> list[str]:
    """What makes the file unusable as a database, as SQLite tells it; empty when it is sound."""
    if not path.exists() or path.stat().st_size == 0:
        return ["it is missing"]
    engine = create_engine(URL.create("sqlite", database=str(path)))
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars().all()
            tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
    except DBAPIError as error:
        return [str(error.orig)]
    finally:
        engine.dispose()
    if tables == 0:
        return ["it has no tables"]
    return [] if found == ["ok"] else [str(line) for line in found]


def translate(error: DBAPIError) -> StorageError:
    """One of our errors for one of SQLite's."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # no room for the file that the WAL's readers share
        return StorageFullError(f"database: {error.orig}")
    if code & _PRIMARY in _LOST:
        return DatabaseLostError(f"database: {error.orig}")
    kind = StorageFullError if "is full" in str(error.orig) else StorageFailedError
    return kind(f"database: {error.orig}")


def has_transaction(connection: Connection) -> bool:
    """Whether SQLite still has the transaction that was begun.

    It rolls back by itself when the disk fails or is full, and a commit of nothing succeeds.
    """
    return bool(connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr] # sqlite3's


@contextmanager
def begin(connection: Connection) -> Iterator[Connection]:
    """A transaction on a connection that is outside of one.

    Where the disk failed, the connection is closed, and opened again by the next `begin`: after a
    failed sync the kernel counts pages as clean that the disk does not hold.

    Raises:
        StorageError: the database refused.
    """
    try:
        with connection.begin():
            yield connection
            if not has_transaction(connection):
                raise DatabaseLostError("database: SQLite has given the transaction up")
    except DBAPIError as error:
        failure = translate(error)
        if isinstance(failure, DatabaseLostError):
            _give_up(connection, failure)
        raise failure from error
    except DatabaseLostError as error:
        _give_up(connection, error)
        raise
    except sqlite3.Error as error:  # opening it again has failed
        raise StorageFailedError(f"database: {error}") from error


def _give_up(connection: Connection, error: DatabaseLostError) -> None:
    log.error("%s; the connection is closed and opened again", error)
    connection.invalidate()
    connection.engine.dispose()  # those that wait to be used are no better


def remedy(error: StorageError) -> str:
    """What to do about a store that cannot be opened."""
    if isinstance(error, StorageFullError):
        return "Free some room on the disk, then start the server again."
    return f"Check the disk; if the database is damaged, restore it from a backup or {REBUILD}."


class Database:
    """One SQLite file; every thread gets connections of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _engine(path, "BEGIN IMMEDIATE")
        self._reader = _engine(path, "BEGIN")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="scribe-read")
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="scribe-work")
        self._write_thread: WriteThread | None = None

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open the file, creating it or its schema as needed.

        Raises:
            StartupError: it is damaged, of a newer program, or not Scribe's.
        """
        database = cls(path)
        try:
            with database.transaction() as connection:
                ensure_schema(connection)
        except StorageError as error:
            database.close()
            raise StartupError(f"{path} cannot be opened: {error}", remedy(error)) from error
        except StartupError:
            database.close()
            raise
        return database

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A write transaction, committed at the end, rolled back when anything is raised.

        Raises:
            StorageError: the database refused.
        """
        with _connected(self._writer) as connection, begin(connection):
            yield connection

    @contextmanager
    def writing_connection(self) -> Iterator[Connection]:
        """A connection for many write transactions, one after the other (see `begin`)."""
        with self._writer.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read transaction: all its statements see the same state.

        Raises:
            StorageError: the database refused.
        """
        with _connected(self._reader) as connection, begin(connection):
            yield connection

    def write_through(self, thread: WriteThread | None) -> None:
        """Send what `write` is given to a thread that does all the writing."""
        self._write_thread = thread

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a snapshot on a thread of the reading pool."""
        return await self.off_loop(lambda: self._in_snapshot(work))

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Run something short that blocks on a thread of the reading pool."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def in_background(self, work: Callable[[], T]) -> T:
        """Run something long on a pool of its own, so that no read waits for it."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a write transaction on the writing thread; returns after the commit."""
        if self._write_thread is not None:
            result: T = await self._write_thread(work)
            return result
        return await self.off_loop(lambda: self._in_transaction(work))

    def _in_snapshot(self, work: Work[T]) -> T:
        with self.snapshot() as connection:
            return work(connection)

    def _in_transaction(self, work: Work[T]) -> T:
        with self.transaction() as connection:
            return work(connection)

    def close(self) -> None:
        """Wait for what runs and close all connections."""
        self._workers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._writer.dispose()
        self._reader.dispose()


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise translate(error) from error
    except sqlite3.Error as error:  # while it was being configured
        raise StorageFailedError(f"database: {error}") from error
    with connection:
        yield connection


def _engine(path: Path, begin: str) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", lambda connection, _record: _configure(connection))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _configure(connection: Any) -> None:
    # None: Python's sqlite3 begins nothing by itself; the "begin" listener says which kind.
    connection.isolation_level = None
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "fullfsync": 1}
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    for name, value in wanted.items():
        connection.execute(f"PRAGMA {name} = {value}")
    for name, value in wanted.items():
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != value:
            raise StorageFailedError(f"SQLite refused {name} = {value} (it is {found})")
