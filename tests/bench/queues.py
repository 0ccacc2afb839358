"""Persistent queues, each used as its documentation shows and durable with each put."""

import base64
import hashlib
import os
from pathlib import Path
from typing import Protocol

from litequeue import LiteQueue  # type: ignore[import-untyped] # has no stubs
from persistqueue import SQLiteAckQueue
from sqlite_utils import Database

from scribe_desktop.spool import NewChunk, Spool
from tests.parts.filled_spool import FULL_CHUNK, new_session, session_id_of

SESSION = session_id_of(1)


class Queue(Protocol):
    """Takes chunks; each is on the disk when `put` returns."""

    def put(self, number: int) -> None:
        """Append the queue's one chunk under this number."""

    def close(self) -> None:
        """Let go of the file."""


class AppendedFile:
    """What the disk gives: a header and the chunk in one write, then fdatasync."""

    def __init__(self, folder: Path, chunk: bytes) -> None:
        self._chunk = chunk
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._descriptor = os.open(folder / "chunks", flags, 0o600)

    def put(self, number: int) -> None:
        """Append."""
        os.writev(self._descriptor, [number.to_bytes(32), self._chunk])
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close."""
        os.close(self._descriptor)


class ScribeSpool:
    """The spool as the recorder uses it."""

    def __init__(self, folder: Path, chunk: bytes) -> None:
        self._chunk = chunk
        self._sha256 = hashlib.sha256(chunk).hexdigest()
        self.spool = Spool.open(folder)
        self.spool.create_session(new_session(SESSION))

    def put(self, number: int) -> None:
        """Add the chunk to the one session."""
        self.spool.add_chunk(
            NewChunk(
                session_id=SESSION,
                sequence=number,
                first_sample=number * FULL_CHUNK,
                samples=FULL_CHUNK,
                sha256=self._sha256,
                data=self._chunk,
                started_at=number * 30_000,
            )
        )

    def close(self) -> None:
        """Close."""
        self.spool.close()


class SqliteUtilsTable:
    """The library that the spool stands on, used plainly: WAL, FULL, one insert per chunk."""

    def __init__(self, folder: Path, chunk: bytes) -> None:
        self._chunk = chunk
        self._sha256 = hashlib.sha256(chunk).hexdigest()
        self.database = Database(folder / "queue.db")
        self.database.enable_wal()
        self.database.execute("PRAGMA synchronous = FULL")
        self._table = self.database.table("chunks")
        columns = {"id": int, "session": str, "sequence": int, "sha256": str, "data": bytes}
        self._table.create(columns, pk="id")
        self._table.create_index(["session", "sequence"], unique=True)

    def put(self, number: int) -> None:
        """Insert a row."""
        self._table.insert(
            {"session": SESSION, "sequence": number, "sha256": self._sha256, "data": self._chunk}
        )

    def close(self) -> None:
        """Close."""
        self.database.close()


class PersistQueue:
    """persist-queue's SQLiteAckQueue."""

    def __init__(self, folder: Path, chunk: bytes) -> None:
        self._chunk = chunk
        self.queue = SQLiteAckQueue(str(folder / "queue"), auto_commit=True)

    def put(self, number: int) -> None:
        """Put a dictionary, which it pickles."""
        self.queue.put({"sequence": number, "data": self._chunk})

    def close(self) -> None:
        """Close."""
        self.queue.close()


class LiteQueueFull:
    """litequeue, which holds text and is not durable by itself: Base64, and FULL set by hand."""

    def __init__(self, folder: Path, chunk: bytes) -> None:
        self._chunk = chunk
        self.queue = LiteQueue(folder / "queue.db")
        self.queue.conn.execute("PRAGMA synchronous = FULL")

    def put(self, number: int) -> None:
        """Put the number and the chunk as text."""
        self.queue.put(f"{number} {base64.b64encode(self._chunk).decode()}")

    def close(self) -> None:
        """Close."""
        self.queue.close()
