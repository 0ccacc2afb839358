"""The real store and ingest in a folder that can crash, be wiped, and be restored from a copy.

A crash is an image: the folder is copied while everything is open, at a named point, and the
server goes on from the copy, so nothing that had not reached its files is there.
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from scribe_server.auth import Owner
from scribe_server.protocol import (
    AudioChunk,
    ChunkAck,
    ChunkError,
    Event,
    Payload,
    Receipt,
    SessionError,
    SessionIncomplete,
    SessionStarted,
    SessionStopped,
    StartSession,
    StopSession,
    StoredChunk,
    SyncCheck,
)
from scribe_server.store.blobs import BlobRef
from scribe_server.store.files import Files
from scribe_server.store.schema import STORED, chunks, sessions
from tests.parts.store import Served, served

Message = tuple[Event, Payload]
SEGMENT_BYTES = 12_000
"""So small that a drill fills several."""
POINTS = (
    "before-write",
    "torn-write",
    "after-write",
    "after-sync",
    "before-wipe",
    "after-wipe",
    "after-commit",
)
"""Where the server can die; after-commit: all is durable and nobody was told."""
NAMES: dict[type, Event] = {
    SessionStarted: Event.SESSION_STARTED,
    SessionStopped: Event.SESSION_STOPPED,
    SessionIncomplete: Event.SESSION_INCOMPLETE,
    SessionError: Event.SESSION_ERROR,
    Receipt: Event.SESSION_RECEIPT,
    ChunkAck: Event.CHUNK_ACK,
    ChunkError: Event.CHUNK_ERROR,
}


class PointedFiles(Files):
    """The operating system; tells where in its work it is."""

    def __init__(self, reached: Callable[[str], None]) -> None:
        self._reached = reached

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        self._reached("before-write")
        whole = b"".join(buffers)
        super().write(descriptor, [whole[: len(whole) // 2]], offset)
        self._reached("torn-write")
        super().write(descriptor, [whole], offset)
        self._reached("after-write")

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self._reached("after-sync")

    def wipe(self, descriptor: int, offset: int, length: int) -> None:
        self._reached("before-wipe")
        super().wipe(descriptor, offset, length)
        self._reached("after-wipe")


class Held(NamedTuple):
    """A chunk as the server has it: its row, and its bytes as they are read back."""

    sha256: str
    stored: bool
    data: bytes


@dataclass(frozen=True)
class Backup:
    """A copy of the folder, which disk's history it belongs to, and what was deleted by then."""

    folder: Path
    history: int
    deleted: frozenset[str]


class ModelServer:
    """One server with one user; every method returns when its work is done."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._root = folder
        self._loop = loop
        self._generation = 0
        self._image: Path | None = None
        self._dies_at = ""
        self.deleted: set[str] = set()
        self.crashes = 0
        self.history = 0
        """Counts the disks: a database of one does not fit the segments of another."""
        self._open(folder / "server-0")

    # ---------------------------------------------------------------------- its work

    def answer(self, message: Message, *, dies_at: str = "") -> list[Message]:
        """The answers to a message; when it dies meanwhile, those that had left before."""
        told: list[Payload] = []
        self._said_before = []
        self._dies_at = dies_at
        self._run(self._handle(message[1], told.append))
        if not self._settled():
            # What was said after the image was never said.
            told = [each for each in told if each in self._said_before]
        return [(NAMES.get(type(each), Event.SYNC_STATE), each) for each in told]

    async def _handle(self, payload: Payload, tell: Callable[[Payload], None]) -> None:
        ingest = self.served.ingest
        match payload:
            case StartSession():
                tell(await ingest.start_session(self.owner, payload, scribe_client=True))
            case StopSession():
                for answer in await ingest.stop_session(self.owner, payload):
                    tell(answer)
            case SyncCheck():
                tell(await ingest.sync_check(self.owner, payload))
            case AudioChunk():
                tell(await self._take(payload))

    async def _take(self, chunk: AudioChunk) -> ChunkAck | ChunkError:
        answer: asyncio.Future[ChunkAck | ChunkError] = self._loop.create_future()

        def answered(given: ChunkAck | ChunkError) -> None:
            if self._image is None:
                self._said_before.append(given)
            if not answer.done():
                answer.set_result(given)

        ingest = self.served.ingest
        if ingest.take(self.owner, chunk, answered, scribe_client=True):
            return await answer
        return await ingest.accept(self.owner, chunk, scribe_client=True)

    def delete(self, session_id: str, *, dies_at: str = "") -> None:
        """Delete a session; when it dies in between, it is deleted or it is not."""
        was_there = self._knows(session_id)
        self._dies_at = dies_at
        done = self._run(self.served.store.sessions.delete(self.owner, session_id))
        if not self._settled():
            done = was_there and not self._knows(session_id)
        self.deleted |= {session_id} if done else set()

    # --------------------------------------------------------------------- its fates

    def crash(self) -> None:
        """Die between two pieces of work."""
        self._take_image()
        self._settled()

    def wipe(self) -> None:
        """Lose the disk; the keys come from the operator's safe."""
        new = self._next()
        shutil.copytree(self.folder / "keys", new / "keys")
        self._move_to(new)
        self.history = self._generation
        self.deleted = set()

    def back_up(self) -> Backup:
        """Copy the folder."""
        copy = self._next()
        shutil.copytree(self.folder, copy)
        return Backup(copy, self.history, frozenset(self.deleted))

    def restore(self, backup: Backup, *, segments_too: bool) -> None:
        """Go on from the copy; without its segments, the newer ones stay."""
        new = self._next()
        shutil.copytree(backup.folder, new)
        if segments_too or backup.history != self.history:
            self.deleted = set(backup.deleted)
            self.history = backup.history
        else:
            shutil.rmtree(new / "segments")
            shutil.copytree(self.folder / "segments", new / "segments")
        self._move_to(new)

    def close(self) -> None:
        """End it."""
        self._closing.close()

    # ------------------------------------------------------------------------- looks

    def held(self) -> dict[str, dict[int, Held]]:
        """Everything that it has, read back, by session and sequence."""
        query = select(sessions.c.uuid, chunks).join(sessions, sessions.c.id == chunks.c.session)
        found: dict[str, dict[int, Held]] = {}
        with self.served.store.database.snapshot() as connection:
            for row in connection.execute(query):
                found.setdefault(row.uuid, {})[row.sequence] = self._held(row)
        return found

    def _held(self, row: Any) -> Held:
        if row.state != STORED:
            return Held(row.sha256.hex(), False, b"")
        ref = BlobRef(row.segment, row.offset, row.size)
        return Held(row.sha256.hex(), True, self.served.store.blobs.read(ref))

    async def chunks(self, session_id: str) -> list[StoredChunk]:
        """What REST says of a session's chunks."""
        known = self.held().get(session_id, {})
        return [
            StoredChunk(sequence, each.sha256, len(each.data), "stored" if each.stored else "")
            for sequence, each in sorted(known.items())
        ]

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the database."""
        with self.served.store.database.snapshot() as connection:
            whole = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            foreign = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return [each for each in whole if each != "ok"] + [str(each) for each in foreign]

    # ----------------------------------------------------------------------- private

    def _knows(self, session_id: str) -> bool:
        query = select(sessions.c.id).where(sessions.c.uuid == session_id)
        with self.served.store.database.snapshot() as connection:
            return connection.execute(query).first() is not None

    def _open(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self._closing = ExitStack()
        self.served: Served = self._closing.enter_context(
            served(folder, files=PointedFiles(self._reached), max_segment_bytes=SEGMENT_BYTES)
        )
        with self.served.store.database.transaction() as connection:
            known = connection.exec_driver_sql("SELECT id FROM users WHERE name = 'anna'")
            row = known.first()
        self.owner = self.served.owner() if row is None else Owner(row[0], "anna", None)
        self._said_before: list[Payload] = []
        self._image = None
        self._dies_at = ""

    def _reached(self, point: str) -> None:
        if point == self._dies_at and self._image is None:
            self._take_image()

    def _take_image(self) -> None:
        image = self._next()
        shutil.copytree(self.folder, image)
        self._image = image

    def _settled(self) -> bool:
        """Wait for the writing thread; when an image was taken, go on from it and give False."""
        self._run(self.served.store.write(lambda _: None))
        if self._image is None and self._dies_at == "after-commit":
            self._take_image()
            self._said_before = []
        self._dies_at = ""
        if self._image is None:
            self._said_before = []
            return True
        said = self._said_before
        self.crashes += 1
        self._move_to(self._image)
        self._said_before = said
        return False

    def _move_to(self, folder: Path) -> None:
        self._closing.close()
        self._open(folder)

    def _next(self) -> Path:
        self._generation += 1
        return self._root / f"server-{self._generation}"

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)
