"""The store of one server folder: opens it, checks it, and hands out its parts."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection

from scribe_server.errors import StartupError
from scribe_server.protocol import ErrorCode
from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.archives.place import ArchivePlace
from scribe_server.store.archives.shelf import Shelf
from scribe_server.store.batch import ChunkWrite
from scribe_server.store.database import Database, Work, database_path, is_current, remedy
from scribe_server.store.deletion import Deletion, finish_waiting
from scribe_server.store.direct import files_for
from scribe_server.store.errors import StorageError, StorageFailedError, StorageFullError
from scribe_server.store.files import Files
from scribe_server.store.hot import HotSession, HotSessions, load_session
from scribe_server.store.identity import load_or_create_server_id
from scribe_server.store.lock import FolderLock
from scribe_server.store.migrate import REBUILD
from scribe_server.store.recovery import Recovered, known_ends, recover
from scribe_server.store.reserve import Reserve
from scribe_server.store.segments import MAX_SEGMENT_BYTES, SegmentStore
from scribe_server.store.sessions import SessionBooks
from scribe_server.store.tombstones import is_deleted
from scribe_server.store.writer import Done, StoreLoad, Writer

log = logging.getLogger(__name__)
T = TypeVar("T")


class Store:
    """Everything durable of a server: `sessions` reads for REST, the rest is for ingest.

    `blobs` are the segments alone; `shelf` reads chunks from archives, too.
    """

    def __init__(
        self,
        *,
        server_id: str,
        clock: Callable[[], int],
        database: Database,
        blobs: SegmentStore,
        reserve: Reserve,
        place: ArchivePlace,
        closing: ExitStack,
    ) -> None:
        self.server_id = server_id
        self.clock = clock
        self.database = database
        self.blobs = blobs
        self.shelf = Shelf(database, blobs, place)
        self.recovered = Recovered()
        self.reserve = reserve
        self.hot = HotSessions()
        self._writer = Writer(database, blobs.append, self.hot, clock)
        closing.callback(self._stop_writing)
        database.write_through(self._writer.call)
        self._closing = closing
        self.deletion = Deletion(
            database, self._writer, blobs, self.hot, clock, reserve=reserve, place=place
        )
        self.sessions = SessionBooks(database, self.shelf, self.deletion)

    @classmethod
    def open(
        cls,
        data_dir: Path,
        storage_dir: Path,
        database_url: str | None,
        clock: Callable[[], int],
        *,
        archives: ArchivePlace | None = None,
        files: Files | None = None,
        max_segment_bytes: int = MAX_SEGMENT_BYTES,
    ) -> Self:
        """Take the folder's lock, open the database, check the segments and mend what a crash left.

        On a full disk the room for it is the reserve's. Archives are in `data_dir`/archives unless
        another place is given.

        Raises:
            StartupError: the folder is in use, or the database is missing, damaged or newer.
        """
        path = database_path(data_dir, database_url)
        reserve = Reserve({path.parent, storage_dir})

        attempt = partial(
            cls._open,
            (data_dir, storage_dir / "segments", path),
            clock,
            reserve,
            archives or FolderPlace(data_dir / "archives"),
            files=files,
            max_segment_bytes=max_segment_bytes,
        )
        try:
            return attempt()
        except StartupError as error:
            # Of no other failure: a sync that has failed once proves nothing the second time.
            if not isinstance(error.__cause__, StorageFullError) or not reserve.give_up():
                raise
            log.warning("%s; tried again with the room that was set aside", error)
            return attempt()

    @classmethod
    def _open(
        cls,
        places: tuple[Path, Path, Path],
        clock: Callable[[], int],
        reserve: Reserve,
        place: ArchivePlace,
        *,
        files: Files | None,
        max_segment_bytes: int,
    ) -> Self:
        data_dir, folder, path = places
        with ExitStack() as closing:
            _make_folders(data_dir, folder)
            closing.callback(FolderLock(data_dir).acquire().release)
            refuse_empty_start(path, folder)
            database = Database.open(path)
            closing.callback(database.close)
            try:
                files = files or _files_for(folder)
                blobs = _open_segments(database, folder, files, max_segment_bytes)
                closing.callback(blobs.close)
                recovered = recover(database, blobs, clock())
                finish_waiting(database, blobs, clock())
            except StorageError as error:
                raise StartupError(f"The store cannot be read: {error}", remedy(error)) from error
            reserve.set_aside()
            store = cls(
                server_id=load_or_create_server_id(data_dir),
                clock=clock,
                database=database,
                blobs=blobs,
                reserve=reserve,
                place=place,
                closing=closing.pop_all(),
            )
        store.recovered = recovered
        return store

    async def find_session(self, owner: int, user: str, uuid: str) -> HotSession | ErrorCode:
        """An own session; `not_found`, or `session_closed` when it was deleted.

        Raises:
            StorageError: the database refused.
        """
        found = self.hot.get(owner, uuid)
        if found is not None:
            return found

        def look(connection: Connection) -> HotSession | ErrorCode:
            session = load_session(connection, owner, user, uuid)
            if session is not None:
                return session
            deleted = is_deleted(connection, owner, uuid)
            return ErrorCode.SESSION_CLOSED if deleted else ErrorCode.NOT_FOUND

        def keep(found: HotSession | ErrorCode) -> None:
            if isinstance(found, HotSession):
                self.hot.put(found)

        return await self._writer.call(look, keep)

    def store_chunk(self, write: ChunkWrite, done: Done) -> None:
        """Make a chunk durable; `done` is called only then, or when it is refused."""
        self._writer.store(write, done)

    async def write(self, work: Work[T], after: Callable[[T], None] | None = None) -> T:
        """Run `work` in a write transaction and, once committed, `after` on the writing thread."""
        return await self._writer.call(work, after)

    def load(self) -> StoreLoad:
        """How busy the store is just now."""
        return self._writer.load()

    def _stop_writing(self) -> None:
        self.database.write_through(None)
        self._writer.close()

    def close(self) -> None:
        """Store what is queued, close everything, release the folder; idempotent."""
        self._closing.close()


def open_database(data_dir: Path, storage_dir: Path, database_url: str | None) -> Database:
    """The database for a command that may run beside a running server.

    Only to create or to migrate it is the folder's lock taken.

    Raises:
        StartupError: as for Store.open.
    """
    _make_folders(data_dir, storage_dir / "segments")
    path = database_path(data_dir, database_url)
    refuse_empty_start(path, storage_dir / "segments")
    if path.exists() and is_current(path):
        return Database(path)
    lock = FolderLock(data_dir).acquire()
    try:
        return Database.open(path)
    finally:
        lock.release()


def _files_for(folder: Path) -> Files:
    try:
        files = files_for(folder)
    except OSError as error:
        raise StorageFailedError(str(error)) from error
    log.info("chunks are written %s", files.engine)
    return files


def _open_segments(database: Database, folder: Path, files: Files, max_bytes: int) -> SegmentStore:
    with database.snapshot() as connection:
        known = known_ends(connection)
    return SegmentStore(folder, known, files=files, max_bytes=max_bytes)


def _make_folders(data_dir: Path, segments: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        segments.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(
            f"The server's folders cannot be made: {error}",
            "Check that the folder's disk is mounted and that the server's user may write to it.",
        ) from error


def refuse_empty_start(database: Path, segments: Path) -> None:
    """Raise StartupError where there are recordings and no database that tells of them."""
    there = database.exists() and database.stat().st_size > 0
    if not there and next(segments.glob("[0-9]*.seg"), None) is not None:
        raise StartupError(
            f"There are recordings in {segments}, but no database at {database}.",
            "Restore the database from a backup, or point --data-dir at the right folder, or "
            f"{REBUILD}.",
        )
