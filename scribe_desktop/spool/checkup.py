"""What a check of the spool asks of its rows, and the few things that it mends in them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scribe_desktop.model import Chunk
from scribe_desktop.spool.base import SpoolBase
from scribe_desktop.spool.chunks import COLUMNS, LOST_PART
from scribe_desktop.spool.damage import first_damage
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError
from scribe_desktop.spool.quarantine import write_whole

SET_ASIDE: Final = "damaged-parts"
"""The folder beside the spool's file where the bytes of damaged parts are kept."""

_COUNTED: Final = """
    SELECT s.id, s.session_id,
        count(c.id) AS chunks,
        coalesce(sum(c.size), 0) AS bytes,
        coalesce(sum(c.samples), 0) AS total_samples,
        coalesce(sum(c.acked_at IS NOT NULL), 0) AS acked,
        coalesce(sum(c.refused_code IS NOT NULL AND c.acked_at IS NULL), 0) AS refused,
        coalesce(sum(c.id NOTNULL AND c.acked_at IS NULL AND c.refused_code IS NULL), 0) AS unsent,
        EXISTS (SELECT 1 FROM receipts r WHERE r.session = s.id AND r.withdrawn = 0) AS has_receipt
    FROM sessions s LEFT JOIN chunks c ON c.session = s.id GROUP BY s.id"""
_COUNTERS: Final = (
    "chunks", "bytes", "total_samples", "acked", "refused", "unsent", "has_receipt",
)  # fmt: skip
_DIFFERS: Final = " OR ".join(f"s.{name} <> n.{name}" for name in _COUNTERS)
_MISCOUNTED: Final = (
    f"FROM sessions s JOIN ({_COUNTED}) n ON n.id = s.id"
    f" WHERE {_DIFFERS} OR s.waiting <> (n.unsent > 0)"
)


@dataclass(frozen=True, slots=True)
class Sight:
    """A chunk's row, and how many bytes of it are here (None: none)."""

    chunk: Chunk
    length: int | None


@dataclass(frozen=True, slots=True)
class Deleted:
    """A session whose audio counts as deleted: parts with bytes all the same, parts without ack."""

    session_id: str
    dropping: bool
    left: int
    unsent: int
    unsent_samples: int


class CheckupRows(SpoolBase):
    """The part of the spool that examines and mends itself."""

    def first_damage(self) -> str:
        """What SQLite finds wrong with the file's pages first; empty when nothing is."""
        with self._guarded():
            return first_damage(self._db.conn)

    def broken_references(self) -> list[str]:
        """Tables with rows that name one which is not there, each once per missing parent."""
        rows = self._rows("PRAGMA foreign_key_check")
        return sorted({f"{row[0]} without {row[2]}" for row in rows})

    def sights(self, session_id: str) -> Iterator[Sight]:
        """The chunks of a session in order, each with the length of what is here of it."""
        rows = self._rows(
            f"SELECT {COLUMNS}, length(a.data) AS length FROM chunks c"  # noqa: S608 - ours
            " JOIN sessions s ON s.id = c.session LEFT JOIN audio a ON a.chunk = c.id"
            " WHERE s.session_id = :id ORDER BY c.sequence",
            {"id": session_id},
        )
        for row in rows:
            *chunk, length = row
            yield Sight(Chunk(*chunk), length)

    def deleted(self) -> list[Deleted]:
        """The sessions whose audio counts as deleted, or is being deleted."""
        rows = self._rows(
            "SELECT s.session_id, s.dropping, count(a.chunk), sum(c.acked_at IS NULL),"
            " sum(iif(c.acked_at IS NULL, c.samples, 0))"
            " FROM sessions s JOIN chunks c ON c.session = s.id"
            " LEFT JOIN audio a ON a.chunk = c.id"
            " WHERE s.audio_deleted_at IS NOT NULL OR s.dropping = 1 GROUP BY s.id ORDER BY s.id"
        )
        return [Deleted(row[0], bool(row[1]), *row[2:]) for row in rows]

    def miscounted(self) -> list[str]:
        """The sessions whose counters are not what their chunks and receipts come to."""
        return [row[0] for row in self._rows(f"SELECT s.session_id {_MISCOUNTED} ORDER BY s.id")]

    def recount(self) -> None:
        """Count every session anew."""
        assignments = ", ".join(f"{name} = n.{name}" for name in _COUNTERS)
        with self._writing() as connection:
            connection.execute(
                f"UPDATE sessions SET {assignments}, waiting = n.unsent > 0"  # noqa: S608 - ours
                f" FROM ({_COUNTED}) n WHERE n.id = sessions.id"
            )

    def set_part_aside(self, session_id: str, sequence: int) -> Path | None:
        """Keep a damaged part's bytes in a file of their own, and count them as not here.

        One that the server has stays acknowledged; another one is marked as damaged.

        Returns:
            Where the bytes are now; None when there were none.
        """
        row = self._row(
            "SELECT c.id, c.sha256, a.data FROM chunks c JOIN sessions s ON s.id = c.session"
            " LEFT JOIN audio a ON a.chunk = c.id"
            " WHERE s.session_id = :id AND c.sequence = :sequence",
            {"id": session_id, "sequence": sequence},
        )
        if row is None:
            raise SpoolFailureError(
                FailureKind.NOT_FOUND, f"There is no part {sequence} of {session_id}."
            )
        kept = None
        if row["data"] is not None:
            kept = self._folder / SET_ASIDE / f"{session_id}-{sequence}.webm"
            write_whole(kept, row["data"])
        with self._writing() as connection:
            connection.execute("DELETE FROM audio WHERE chunk = ?", (row["id"],))
            connection.execute(
                "UPDATE chunks SET refused_code = ? WHERE id = ? AND acked_at IS NULL",
                (LOST_PART, row["id"]),
            )
        return kept

    def put_part_back(self, session_id: str, sequence: int, data: bytes) -> bool:
        """Keep the bytes of a part that are not here; False when they are other bytes."""
        with self._writing() as connection:
            added = connection.execute(
                "INSERT INTO audio (chunk, data) SELECT c.id, :data FROM chunks c"
                " JOIN sessions s ON s.id = c.session WHERE s.session_id = :id"
                " AND c.sequence = :sequence AND c.sha256 = :sha256 ON CONFLICT DO NOTHING",
                {
                    "data": data,
                    "id": session_id,
                    "sequence": sequence,
                    "sha256": hashlib.sha256(data).hexdigest(),
                },
            )
            return added.rowcount == 1

    def withdraw_receipt(self, session_id: str) -> None:
        """Count a session's receipt no more; it is kept, and another one is asked for."""
        key = self._key(session_id)
        with self._writing() as connection:
            connection.execute(
                "UPDATE receipts SET withdrawn = 1 WHERE session = ? AND withdrawn = 0", (key,)
            )
