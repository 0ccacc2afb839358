"""What the server has: the queue of unsent chunks, acks, refusals, manifests and receipts."""

from collections.abc import Collection, Sequence

from scribe_desktop.model import Chunk, StoredReceipt
from scribe_desktop.spool.chunks import COLUMNS, ChunkRows
from scribe_desktop.spool.sessions import TO_SETTLE
from scribe_server import protocol


class DeliveryRows(ChunkRows):
    """The part of the spool that sync reads and notes its successes in."""

    def pending(self) -> int:
        """How many chunks the server does not have and may still get."""
        row = self._row(
            "SELECT coalesce(sum(unsent), 0) AS n FROM sessions"
            " WHERE waiting = 1 AND refused_code IS NULL AND audio_deleted_at IS NULL"
        )
        return 0 if row is None else int(row["n"])

    def count_awaiting_receipt(self) -> int:
        """How many sessions `sessions_awaiting_receipt` would list."""
        row = self._row(
            f"SELECT count(*) AS n FROM sessions WHERE {TO_SETTLE} AND refused = 0"  # noqa: S608
        )
        return 0 if row is None else int(row["n"])

    def next_unsent(
        self,
        limit: int,
        *,
        exclude: Collection[tuple[str, int]] = (),
        skip_sessions: Collection[str] = (),
    ) -> list[Chunk]:
        """The chunks to send next: the live session's first, then the oldest session's.

        Args:
            limit: how many at most.
            exclude: (session id, sequence) pairs that are on their way already.
            skip_sessions: sessions to leave out for now.
        """
        # Each step is a look into an index that holds only what waits. A waiting session gives at
        # least one chunk, unless it is skipped or its chunks are excluded.
        sessions = self._rows(
            "SELECT id, session_id FROM sessions"
            " WHERE waiting = 1 AND refused_code IS NULL AND audio_deleted_at IS NULL"
            " ORDER BY ended_at IS NOT NULL, started_at, id LIMIT :most",
            {"most": limit + len(skip_sessions) + len(exclude)},
        )
        found: list[Chunk] = []
        for session in sessions:
            if len(found) >= limit:
                break
            if session["session_id"] in skip_sessions:
                continue
            rows = self._rows(
                f"SELECT {COLUMNS} FROM chunks c INDEXED BY chunks_unsent"  # noqa: S608 - ours
                " JOIN sessions s ON s.id = c.session WHERE c.session = :session"
                " AND c.acked_at IS NULL AND c.refused_code IS NULL"
                " ORDER BY c.sequence LIMIT :most",
                {"session": session["id"], "most": limit - len(found) + len(exclude)},
            )
            fresh = [row for row in rows if (row["session_id"], row["sequence"]) not in exclude]
            found += [Chunk(*row) for row in fresh[: limit - len(found)]]
        return found

    def mark_acked(self, session_id: str, sequence: int, *, sha256: str, acked_at: int) -> bool:
        """Note that the server has a chunk; False when our bytes have another SHA-256."""
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE chunks SET acked_at = coalesce(acked_at, :at), refused_code = NULL"
                " WHERE session = (SELECT id FROM sessions WHERE session_id = :id)"
                " AND sequence = :sequence AND sha256 = :sha256",
                {"id": session_id, "sequence": sequence, "sha256": sha256, "at": acked_at},
            )
            return changed.rowcount == 1

    def mark_refused(self, session_id: str, sequence: int, code: str) -> None:
        """Note that a chunk is refused for good; what was acked stays acked."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE chunks SET refused_code = :code"
                " WHERE session = (SELECT id FROM sessions WHERE session_id = :id)"
                " AND sequence = :sequence AND acked_at IS NULL",
                {"id": session_id, "sequence": sequence, "code": code},
            )

    def requeue(self, session_id: str, ranges: Sequence[tuple[int, int]]) -> int:
        """Take back the acks of what the server lacks; its receipt is withdrawn with them.

        Args:
            session_id: whose chunks.
            ranges: inclusive pairs of sequences.

        Returns:
            How many chunks wait again.
        """
        key = self._key(session_id)
        taken_back = 0
        with self._writing() as connection:
            for first, last in ranges:
                taken_back += connection.execute(
                    "UPDATE chunks SET acked_at = NULL WHERE session = ?"
                    " AND sequence BETWEEN ? AND ? AND acked_at IS NOT NULL",
                    (key, first, last),
                ).rowcount
            if taken_back:
                connection.execute(
                    "UPDATE receipts SET withdrawn = 1 WHERE session = ? AND withdrawn = 0", (key,)
                )
        return taken_back

    def acked_books(self, session_id: str) -> tuple[list[tuple[int, int]], str]:
        """The acked sequences as inclusive pairs, and their digest (protocol.digest_of)."""
        rows = self._rows(
            "SELECT sequence, sha256 FROM chunks"
            " WHERE session = (SELECT id FROM sessions WHERE session_id = :id)"
            " AND acked_at IS NOT NULL ORDER BY sequence",
            {"id": session_id},
        )
        pairs = [(int(row["sequence"]), str(row["sha256"])) for row in rows]
        return protocol.to_ranges(sequence for sequence, _ in pairs), protocol.digest_of(pairs)

    def manifest(self, session_id: str) -> protocol.Manifest:
        """All that the session consists of, as its receipt will certify it."""
        chunks = self.chunks(session_id)
        return protocol.Manifest(
            session_id=session_id,
            chunks=[
                protocol.ManifestChunk(c.sequence, c.sha256, c.first_sample, c.samples)
                for c in chunks
            ],
            gaps=[
                protocol.ManifestGap(g.at_sample, g.samples, g.reason, g.wall_ms)
                for g in self.gaps(session_id)
            ],
            total_samples=sum(chunk.samples for chunk in chunks),
        )

    def save_receipt(self, receipt: StoredReceipt) -> None:
        """Keep a verified receipt; an earlier one of the session is withdrawn."""
        values = {
            "session": self._key(receipt.session_id),
            "receipt_json": receipt.receipt_json,
            "public_key": receipt.public_key,
            "server_id": receipt.server_id,
            "origin": receipt.origin,
            "received_at": receipt.received_at,
        }
        with self._writing() as connection:
            connection.execute(
                "UPDATE receipts SET withdrawn = 1 WHERE session = :session AND withdrawn = 0",
                values,
            )
            connection.execute(
                "INSERT INTO receipts (session, receipt_json, public_key, server_id, origin,"
                " received_at) VALUES (:session, :receipt_json, :public_key, :server_id, :origin,"
                " :received_at)",
                values,
            )

    def receipt(self, session_id: str) -> StoredReceipt | None:
        """The session's valid receipt, or None."""
        row = self._row(
            "SELECT s.session_id, r.receipt_json, r.public_key, r.server_id, r.origin,"
            " r.received_at FROM receipts r JOIN sessions s ON s.id = r.session"
            " WHERE s.session_id = :id AND r.withdrawn = 0",
            {"id": session_id},
        )
        return None if row is None else StoredReceipt(*row)

    def meta(self, key: str) -> str | None:
        """A remembered value (device id, pinned server identities), or None."""
        row = self._row("SELECT value FROM meta WHERE key = :key", {"key": key})
        return None if row is None else str(row["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Remember a value."""
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO meta (key, value) VALUES (:key, :value)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                {"key": key, "value": value},
            )
