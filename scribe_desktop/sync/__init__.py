"""From the spool to the server: sends each chunk until its ack is on this computer's disk."""

from scribe_desktop.sync.engine import SyncEngine
from scribe_desktop.sync.target import ServerTarget

__all__ = ["ServerTarget", "SyncEngine"]
