"""What is safe on this computer: the sessions, their chunks, and what the server has of them.

One SQLite file in WAL mode with `synchronous=FULL`. Capture writes it, sync reads it and notes
the acks; each thread opens its own `Spool`.
"""

from scribe_desktop.spool.chunks import NewChunk
from scribe_desktop.spool.damage import is_suspect
from scribe_desktop.spool.failures import MOVING_HELPS, FailureKind, SpoolFailureError
from scribe_desktop.spool.lock import SpoolLock
from scribe_desktop.spool.salvage import Salvage
from scribe_desktop.spool.spool import Spool

__all__ = [
    "MOVING_HELPS",
    "FailureKind",
    "NewChunk",
    "Salvage",
    "Spool",
    "SpoolFailureError",
    "SpoolLock",
    "is_suspect",
]
