"""Durable chunks, sessions and people: SQLite for the books, append-only segments for bytes."""

from scribe_server.store.blobs import BlobRef
from scribe_server.store.errors import (
    BlobDamagedError,
    StorageError,
    StorageFailedError,
    StorageFullError,
)
from scribe_server.store.sessions import MediaPart, SessionBooks, SessionMedia
from scribe_server.store.store import Store, open_database
from scribe_server.store.writer import StoreLoad

__all__ = [
    "BlobDamagedError",
    "BlobRef",
    "MediaPart",
    "SessionBooks",
    "SessionMedia",
    "StorageError",
    "StorageFailedError",
    "StorageFullError",
    "Store",
    "StoreLoad",
    "open_database",
]
