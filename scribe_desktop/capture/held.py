"""What capture needs of a spool, and the one that stands in while there is none."""

from typing import Protocol

from scribe_desktop.model import Gap, Marker, NewSession
from scribe_desktop.spool import FailureKind, NewChunk, SpoolFailureError


class CaptureSpool(Protocol):
    """What capture needs of the spool while it records."""

    def create_session(self, new: NewSession) -> None:
        """Begin a session."""

    def add_chunk(self, chunk: NewChunk) -> None:
        """Commit a chunk."""

    def add_gap(self, session_id: str, gap: Gap) -> None:
        """Label a stretch."""

    def add_marker(self, session_id: str, marker: Marker) -> None:
        """Set a marker."""

    def set_paused(self, session_id: str, paused: bool) -> None:
        """Note a pause."""

    def end_session(self, session_id: str, *, ended_at: int, recovered: bool = False) -> None:
        """Note the end."""


class NoSpool:
    """Refuses everything, so that the sound is held until there is a spool again."""

    def create_session(self, new: NewSession) -> None:
        """Refuse."""
        raise _between_two()

    def add_chunk(self, chunk: NewChunk) -> None:
        """Refuse."""
        raise _between_two()

    def add_gap(self, session_id: str, gap: Gap) -> None:
        """Refuse."""
        raise _between_two()

    def add_marker(self, session_id: str, marker: Marker) -> None:
        """Refuse."""
        raise _between_two()

    def set_paused(self, session_id: str, paused: bool) -> None:
        """Refuse."""
        raise _between_two()

    def end_session(self, session_id: str, *, ended_at: int, recovered: bool = False) -> None:
        """Refuse."""
        raise _between_two()


def _between_two() -> SpoolFailureError:
    return SpoolFailureError(FailureKind.IO, "Another place for the recordings is looked for.")
