"""Writing sessions: chunks stored once, manifests settled, books compared."""

from scribe_server.ingest.ingest import Ingest
from scribe_server.ingest.settling import StopAnswer

__all__ = ["Ingest", "StopAnswer"]
