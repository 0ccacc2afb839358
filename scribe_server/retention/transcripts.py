"""Which chunks have a finished transcript; the door to whatever will make transcripts."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection


def finished_engines(_connection: Connection, _session: int) -> Mapping[int, Collection[str]]:
    """By sequence, the engines that have finished with a chunk of the session.

    The books of this version have no transcripts, so there are none: audio goes cold by
    COLD_WITHOUT_TRANSCRIPT only.
    """
    return {}


def transcripts_of(_connection: Connection, _session: int) -> Mapping[str, bytes]:
    """The session's transcripts by file name, for its archive; none, as above."""
    return {}
