"""Hashes stored chunks again, slowly and for ever: disks forget without saying so.

What is found counts as damaged, so that the clients that still have it send it again: those that
are connected are told, the others find out at their next connect. A pass goes through all chunks in
the order of their rows; the next begins PASS_DAYS after it did, at the earliest. Archives were read
back when they were written, and are left to doctor.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from scribe_server.metrics import Scrubbed
from scribe_server.protocol import to_ranges
from scribe_server.store.damage import is_sound, mark_damaged
from scribe_server.store.errors import StorageError, StorageFailedError
from scribe_server.store.identity import write_private
from scribe_server.store.queries import Ranges
from scribe_server.store.schema import STORED, chunks, sessions
from scribe_server.store.store import Store
from scribe_server.store.writer import StoreLoad

log = logging.getLogger(__name__)

PASS_DAYS: Final = 7
CURSOR_FILE: Final = "scrub.json"
FIRST_PAUSE_S: Final = 60.0
"""A server that has just been started has other things to do."""
_DAY_MS: Final = 86_400_000
_LONGEST_PAUSE_S: Final = 3600.0
_BUSY_PAUSE_S: Final = 1.0
_AT_ONCE: Final = 64
_MOST_IN_A_ROW: Final = 16
"""More damaged chunks one after the other than that are a disk that is not there."""
_BUSY_CHUNKS: Final = 8
_BUSY_WAIT_S: Final = 0.2

Tell = Callable[[int, str, Ranges], None]
"""Given a user's id, a session and the sequences that it lacks now."""
Sleep = Callable[[float], Awaitable[object]]


@dataclass(slots=True)
class Cursor:
    """How far the pass is: the row that was looked at last, and when the pass began (ms)."""

    row: int = 0
    began_at: int = 0


def load_cursor(path: Path) -> Cursor:
    """The cursor of an earlier run; a file that is missing or damaged begins a new pass."""
    try:
        found = json.loads(path.read_bytes())
        return Cursor(int(found["row"]), int(found["began_at"]))
    except (OSError, ValueError, TypeError, LookupError):
        return Cursor()


def is_busy(load: StoreLoad) -> bool:
    """Whether recorders wait for the disk, so that the scrubber does not use it."""
    return load.unstored_chunks >= _BUSY_CHUNKS or load.oldest_wait_s >= _BUSY_WAIT_S


class Scrubber:
    """Scrubs one store.

    Args:
        store: whose chunks.
        data_dir: where the cursor is kept.
        bytes_per_s: how fast, while nothing waits to be stored.
        counts: goes up.
        tell: hears of damage, on the event loop.
        sleep: asyncio's, in seconds.
    """

    def __init__(
        self,
        store: Store,
        data_dir: Path,
        *,
        bytes_per_s: float,
        counts: Scrubbed,
        tell: Tell,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._store = store
        self._path = data_dir / CURSOR_FILE
        self._bytes_per_s = bytes_per_s
        self._counts = counts
        self._tell = tell
        self._sleep = sleep
        self._in_a_row = 0

    async def run(self) -> None:
        """Scrub until cancelled."""
        await self._sleep(FIRST_PAUSE_S)
        cursor = await self._store.database.off_loop(lambda: load_cursor(self._path))
        while True:
            try:
                cursor = await self._go_on(cursor)
            except (StorageError, OSError) as error:
                log.error("scrubbing waits for an hour: %s", error)
                self._in_a_row = 0
                await self._sleep(_LONGEST_PAUSE_S)

    async def _go_on(self, cursor: Cursor) -> Cursor:
        """Look at some more chunks, or wait for the next pass; gives the new cursor."""
        now = self._store.clock()
        if cursor.row == 0:
            wait_s = (cursor.began_at + PASS_DAYS * _DAY_MS - now) / 1000
            # A clock that was put back by months must not end the scrubbing.
            if 0 < wait_s <= 2 * PASS_DAYS * _DAY_MS / 1000:
                await self._sleep(min(wait_s, _LONGEST_PAUSE_S))
                return cursor
            cursor = Cursor(0, now)
        rows = await self._store.database.read(lambda connection: _next(connection, cursor.row))
        if not rows:
            self._counts.passes += 1
            return await self._keep(Cursor(0, cursor.began_at))
        damaged = [row for row in rows if not await self._look(row)]
        self._tell_of(damaged)
        return await self._keep(Cursor(rows[-1].id, cursor.began_at))

    async def _keep(self, cursor: Cursor) -> Cursor:
        content = json.dumps(asdict(cursor)).encode()
        await self._store.database.in_background(lambda: write_private(self._path, content))
        return cursor

    async def _look(self, row: Row[Any]) -> bool:
        """Hash one chunk, at the pace; whether it is sound or was changed meanwhile."""
        while is_busy(self._store.load()):
            await self._sleep(_BUSY_PAUSE_S)
        sound = await self._store.database.in_background(lambda: self._hash(row))
        self._counts.chunks += 1
        self._counts.bytes += row.size
        marked = False if sound else await self._mark(row)
        self._in_a_row = self._in_a_row + 1 if marked else 0
        await self._sleep(row.size / self._bytes_per_s)
        return not marked

    def _hash(self, row: Row[Any]) -> bool:
        blobs = self._store.blobs
        place = (row.segment, row.offset, row.size)
        # Twice, so that a reading that went wrong once is not taken for the disk's word.
        for _ in range(2):
            blobs.forget_pages(*place)
            try:
                if is_sound(blobs, row):
                    return True
            finally:
                blobs.forget_pages(*place)
        return False

    async def _mark(self, row: Row[Any]) -> bool:
        if self._in_a_row >= _MOST_IN_A_ROW:
            raise StorageFailedError(
                f"{_MOST_IN_A_ROW} chunks in a row are damaged or missing: is the disk there?"
            )

        def work(connection: Connection) -> bool:
            there = select(chunks.c.id).where(
                chunks.c.id == row.id,
                chunks.c.segment == row.segment,
                chunks.c.offset == row.offset,
                chunks.c.state == STORED,
            )
            if connection.execute(there).first() is None:
                return False  # deleted or mended meanwhile
            mark_damaged(connection, row.session, [row], self._store.blobs)
            return True

        marked = await self._store.write(work)
        if marked:
            self._counts.damaged += 1
            log.error(
                "chunk %d of session %s is damaged in segment %d at byte %d; clients that have it "
                "send it again",
                row.sequence,
                row.uuid,
                row.segment,
                row.offset,
            )
        return marked

    def _tell_of(self, rows: list[Row[Any]]) -> None:
        lacking: dict[tuple[int, str], list[int]] = {}
        for row in rows:
            lacking.setdefault((row.owner, row.uuid), []).append(row.sequence)
        for (owner, uuid), sequences in lacking.items():
            self._tell(owner, uuid, to_ranges(sorted(sequences)))


def _next(connection: Connection, after: int) -> list[Row[Any]]:
    rows = connection.execute(
        select(chunks, sessions.c.uuid, sessions.c.owner)
        .join(sessions, sessions.c.id == chunks.c.session)
        .where(chunks.c.id > after, chunks.c.state == STORED, chunks.c.segment > 0)
        .order_by(chunks.c.id)
        .limit(_AT_ONCE)
    )
    return list(rows)
