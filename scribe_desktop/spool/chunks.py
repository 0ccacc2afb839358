"""Chunks, gaps and markers as capture adds them."""

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Final

from scribe_desktop.model import Chunk, Gap, Marker
from scribe_desktop.spool.base import SpoolBase, Values
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError

COLUMNS: Final = (
    "s.session_id, c.sequence, c.first_sample, c.samples, c.sha256, c.size, c.started_at, "
    "c.acked_at, c.refused_code"
)
LOST_PART: Final = "damaged"
"""The refusal of a chunk whose bytes were lost with a damaged file."""


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A complete chunk: `samples` from `first_sample` on, one WebM file in `data`.

    `sha256` is hex; `started_at` is the wall time (ms) of the first sample.
    """

    session_id: str
    sequence: int
    first_sample: int
    samples: int
    sha256: str
    data: bytes
    started_at: int


class ChunkRows(SpoolBase):
    """The part of the spool that capture writes and that export reads."""

    def add_chunk(self, chunk: NewChunk) -> None:
        """Commit a chunk with its bytes; adding the same one again does nothing.

        Raises:
            SpoolFailureError: CONTRADICTION when other bytes are there under its sequence.
        """
        values = {
            "session_id": chunk.session_id,
            "sequence": chunk.sequence,
            "first_sample": chunk.first_sample,
            "samples": chunk.samples,
            "sha256": chunk.sha256,
            "size": len(chunk.data),
            "started_at": chunk.started_at,
        }
        with self._writing() as connection:
            added = connection.execute(
                "INSERT INTO chunks (session, sequence, first_sample, samples, sha256, size,"
                " started_at) SELECT id, :sequence, :first_sample, :samples, :sha256, :size,"
                " :started_at FROM sessions WHERE session_id = :session_id"
                " ON CONFLICT (session, sequence) DO NOTHING",
                values,
            )
            if added.rowcount != 1:
                key = self._must_be_there(chunk)
                bring_back_audio(connection, {**values, "session": key}, chunk.data)
                return
            connection.execute(
                "INSERT INTO audio (chunk, data) VALUES (?, ?)", (added.lastrowid, chunk.data)
            )

    def chunks(self, session_id: str) -> list[Chunk]:
        """All chunks of a session in ascending order, without their bytes."""
        rows = self._rows(
            f"SELECT {COLUMNS} FROM chunks c JOIN sessions s ON s.id = c.session"  # noqa: S608 - ours
            " WHERE s.session_id = :id ORDER BY c.sequence",
            {"id": session_id},
        )
        return [Chunk(*row) for row in rows]

    def chunk_data(self, session_id: str, sequence: int) -> bytes:
        """The bytes of a chunk, compared with its SHA-256.

        Raises:
            SpoolFailureError: DAMAGED_CHUNK when they differ, NOT_FOUND when they are not here.
        """
        row = self._row(
            "SELECT c.sha256, a.data FROM chunks c JOIN sessions s ON s.id = c.session"
            " JOIN audio a ON a.chunk = c.id"
            " WHERE s.session_id = :id AND c.sequence = :sequence",
            {"id": session_id, "sequence": sequence},
        )
        if row is None:
            raise SpoolFailureError(
                FailureKind.NOT_FOUND, f"The audio of part {sequence} is not on this computer."
            )
        data: bytes = row["data"]
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise SpoolFailureError(
                FailureKind.DAMAGED_CHUNK,
                f"Part {sequence} of the session {session_id} has other bytes than were written.",
            )
        return data

    def add_gap(self, session_id: str, gap: Gap) -> None:
        """Label a stretch of the timeline; labelling the same one again does nothing."""
        self._add(
            "INSERT INTO gaps (session, at_sample, samples, reason, wall_ms)"
            " SELECT :session, :at_sample, :samples, :reason, :wall_ms WHERE NOT EXISTS ("
            "SELECT 1 FROM gaps WHERE session = :session AND at_sample = :at_sample"
            " AND samples = :samples AND reason = :reason AND wall_ms = :wall_ms)",
            {
                "session": self._key(session_id),
                "at_sample": gap.at_sample,
                "samples": gap.samples,
                "reason": gap.reason,
                "wall_ms": gap.wall_ms,
            },
        )

    def gaps(self, session_id: str) -> list[Gap]:
        """The labelled stretches in the order of the timeline."""
        rows = self._rows(
            "SELECT at_sample, samples, reason, wall_ms FROM gaps"
            " WHERE session = (SELECT id FROM sessions WHERE session_id = :id)"
            " ORDER BY at_sample, id",
            {"id": session_id},
        )
        return [Gap(*row) for row in rows]

    def add_marker(self, session_id: str, marker: Marker) -> None:
        """Set a marker."""
        self._add(
            "INSERT INTO markers (session, at_sample, label, created_at)"
            " VALUES (:session, :at_sample, :label, :created_at)",
            {
                "session": self._key(session_id),
                "at_sample": marker.at_sample,
                "label": marker.label,
                "created_at": marker.created_at,
            },
        )

    def markers(self, session_id: str) -> list[Marker]:
        """The markers in the order of the timeline."""
        rows = self._rows(
            "SELECT at_sample, label, created_at FROM markers"
            " WHERE session = (SELECT id FROM sessions WHERE session_id = :id)"
            " ORDER BY at_sample, id",
            {"id": session_id},
        )
        return [Marker(*row) for row in rows]

    def _add(self, sql: str, values: Values) -> None:
        with self._writing() as connection:
            connection.execute(sql, values)

    def _must_be_there(self, chunk: NewChunk) -> int:
        key = self._key(chunk.session_id)
        known = self._row(
            "SELECT sha256 FROM chunks WHERE session = :session AND sequence = :sequence",
            {"session": key, "sequence": chunk.sequence},
        )
        if known is None or known["sha256"] != chunk.sha256:
            raise SpoolFailureError(
                FailureKind.CONTRADICTION,
                f"Part {chunk.sequence} of the session {chunk.session_id} is there with other"
                " bytes.",
            )
        return key


def bring_back_audio(connection: sqlite3.Connection, values: Values, data: bytes) -> None:
    """Give a chunk whose row is here its bytes again, if they were lost with a damaged file.

    Args:
        connection: in a transaction.
        values: `session` (row number), `sequence` and `sha256` of the chunk.
        data: the bytes, which have that SHA-256.
    """
    where = (
        "chunks.session = :session AND chunks.sequence = :sequence AND chunks.sha256 = :sha256"
        " AND NOT EXISTS (SELECT 1 FROM audio WHERE chunk = chunks.id) AND EXISTS (SELECT 1"
        " FROM sessions WHERE id = chunks.session AND audio_deleted_at IS NULL)"
    )
    added = connection.execute(
        f"INSERT INTO audio (chunk, data) SELECT id, :data FROM chunks WHERE {where}",  # noqa: S608 - ours
        {**values, "data": data},
    )
    if added.rowcount == 1:
        connection.execute(
            "UPDATE chunks SET refused_code = NULL WHERE id = :id AND refused_code = :lost",
            {"id": added.lastrowid, "lost": LOST_PART},
        )
