"""Sessions: their rows, their lives, and what is removed with them."""

import sqlite3
from typing import Final

from scribe_desktop.model import NewSession, Session
from scribe_desktop.spool.base import SpoolBase, Values
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError

_COLUMNS: Final = (
    "session_id, title, source, started_at, timezone, channels, bitrate, device, forked_from,"
    " paused, recovered, ended_at, total_samples, chunks, acked AS acked_chunks,"
    " refused AS refused_chunks, bytes, refused_code, has_receipt, audio_deleted_at"
)


TO_SETTLE: Final = (
    "has_receipt = 0 AND ended_at IS NOT NULL AND chunks > 0"
    " AND refused_code IS NULL AND (audio_deleted_at IS NULL OR acked = chunks)"
)


def session_of(row: sqlite3.Row) -> Session:
    """The session that a row of the sessions table stands for."""
    values = dict(row)
    for flag in ("paused", "recovered", "has_receipt"):
        values[flag] = bool(values[flag])
    return Session(**values)


class SessionRows(SpoolBase):
    """The part of the spool that knows sessions."""

    def create_session(self, new: NewSession) -> None:
        """Begin a session.

        Raises:
            SpoolFailureError: CONTRADICTION when there is one of that id.
        """
        values = {
            "session_id": new.session_id,
            "title": new.title,
            "source": new.source,
            "started_at": new.started_at,
            "timezone": new.timezone,
            "channels": new.channels,
            "bitrate": new.bitrate,
            "device": new.device,
            "forked_from": new.forked_from,
        }
        with self._writing() as connection:
            if self._row("SELECT 1 FROM sessions WHERE session_id = :session_id", values):
                raise SpoolFailureError(
                    FailureKind.CONTRADICTION, f"The session {new.session_id} is there already."
                )
            connection.execute(
                "INSERT INTO sessions (session_id, title, source, started_at, timezone, channels,"
                " bitrate, device, forked_from) VALUES (:session_id, :title, :source,"
                " :started_at, :timezone, :channels, :bitrate, :device, :forked_from)",
                values,
            )

    def session(self, session_id: str) -> Session | None:
        """One session, or None."""
        found = self._sessions("WHERE session_id = :id", {"id": session_id})
        return found[0] if found else None

    def sessions(self, *, limit: int | None = None) -> list[Session]:
        """The sessions, newest first."""
        return self._sessions(
            "ORDER BY started_at DESC, id DESC LIMIT :limit",
            {"limit": -1 if limit is None else limit},
        )

    def open_sessions(self) -> list[Session]:
        """The sessions without an end, newest first."""
        return self._sessions("WHERE ended_at IS NULL ORDER BY started_at DESC, id DESC")

    def sessions_to_settle(self) -> list[Session]:
        """Ended sessions with chunks of whose end the server has to be told, oldest first."""
        return self._sessions(f"WHERE {TO_SETTLE} ORDER BY started_at, id")

    def sessions_awaiting_receipt(self) -> list[Session]:
        """Those for which a receipt can still come: none of their parts is lost or refused."""
        return self._sessions(f"WHERE {TO_SETTLE} AND refused = 0 ORDER BY started_at, id")

    def sessions_to_fork(self) -> list[Session]:
        """Ended sessions that the server holds under other bytes and that have no copy yet."""
        return self._sessions(
            "WHERE refused_code = 'conflict' AND forked_to IS NULL AND ended_at IS NOT NULL"
            " AND audio_deleted_at IS NULL AND chunks > 0 ORDER BY started_at, id"
        )

    def set_paused(self, session_id: str, paused: bool) -> None:
        """Note whether the recording is paused."""
        self._update(session_id, "paused = :paused", {"paused": paused})

    def end_session(self, session_id: str, *, ended_at: int, recovered: bool = False) -> None:
        """Note the end (ms); a session that has one keeps it."""
        self._update(
            session_id,
            "paused = 0, recovered = CASE WHEN ended_at IS NULL THEN :recovered ELSE recovered END,"
            " ended_at = coalesce(ended_at, :ended_at)",
            {"ended_at": ended_at, "recovered": recovered},
        )

    def rename_session(self, session_id: str, title: str) -> None:
        """Give a session another title."""
        self._update(session_id, "title = :title", {"title": title})

    def refuse_session(self, session_id: str, code: str | None) -> None:
        """Note that the server will not have the session, or (None) that it does after all."""
        self._update(session_id, "refused_code = :code", {"code": code})

    def fork_session(self, session_id: str, new_session_id: str, *, title: str) -> None:
        """Copy a session with all audio still held under a new id, as not yet delivered.

        The old one is refused as a conflict and knows its copy; it is copied once at most.
        """
        values = {"old": self._key(session_id), "new_id": new_session_id, "title": title}
        with self._writing() as connection:
            if self._row("SELECT 1 FROM sessions WHERE id = :old AND forked_to NOTNULL", values):
                return
            connection.execute(
                "INSERT INTO sessions (session_id, title, source, started_at, timezone, channels,"
                " bitrate, device, forked_from, paused, recovered, ended_at)"
                " SELECT :new_id, :title, source, started_at, timezone, channels, bitrate, device,"
                " session_id, paused, recovered, ended_at FROM sessions WHERE id = :old",
                values,
            )
            connection.execute(
                "UPDATE sessions SET refused_code = 'conflict', forked_to = :new_id"
                " WHERE id = :old",
                values,
            )
            _copy_contents(connection, values["old"], self._key(new_session_id))

    def fork_of(self, session_id: str) -> str | None:
        """The id of the copy that a conflict made, or None."""
        row = self._row("SELECT forked_to FROM sessions WHERE session_id = :id", {"id": session_id})
        return None if row is None else row["forked_to"]

    def delete_audio(self, session_id: str, *, deleted_at: int) -> None:
        """Drop the bytes of a session and keep its rows: mark, commit, then delete."""
        self._update(
            session_id,
            "audio_deleted_at = coalesce(audio_deleted_at, :at), dropping = 1",
            {"at": deleted_at},
        )
        self.finish_deletions()

    def finish_deletions(self) -> None:
        """Drop the bytes of sessions whose deletion was marked, also by an earlier process."""
        marked = self._rows("SELECT id FROM sessions WHERE dropping = 1")
        for row in marked:
            with self._writing() as connection:
                connection.execute(
                    "DELETE FROM audio WHERE chunk IN (SELECT id FROM chunks WHERE session = ?)",
                    (row["id"],),
                )
                connection.execute("UPDATE sessions SET dropping = 0 WHERE id = ?", (row["id"],))
        if marked:
            self._shrink()

    def delete_session(self, session_id: str) -> None:
        """Remove a session with everything that belongs to it; one that is not here is fine."""
        with self._writing() as connection:
            connection.execute("DELETE FROM sessions WHERE session_id = ?", (session_id,))
        self._shrink()

    def _shrink(self) -> None:
        self._rows("PRAGMA incremental_vacuum")

    def _sessions(self, clause: str, values: Values | None = None) -> list[Session]:
        rows = self._rows(f"SELECT {_COLUMNS} FROM sessions {clause}", values)  # noqa: S608 - ours
        return [session_of(row) for row in rows]

    def _update(self, session_id: str, assignments: str, values: Values) -> None:
        key = self._key(session_id)
        with self._writing() as connection:
            connection.execute(
                f"UPDATE sessions SET {assignments} WHERE id = :key",  # noqa: S608 - ours
                {**values, "key": key},
            )


def _copy_contents(connection: sqlite3.Connection, old: object, new: int) -> None:
    values = {"old": old, "new": new}
    connection.execute(
        "INSERT INTO chunks (session, sequence, first_sample, samples, sha256, size, started_at)"
        " SELECT :new, sequence, first_sample, samples, sha256, size, started_at"
        " FROM chunks JOIN audio ON audio.chunk = chunks.id WHERE session = :old",
        values,
    )
    connection.execute(
        "INSERT INTO audio (chunk, data) SELECT copy.id, audio.data FROM chunks copy"
        " JOIN chunks original ON original.session = :old AND original.sequence = copy.sequence"
        " JOIN audio ON audio.chunk = original.id WHERE copy.session = :new",
        values,
    )
    connection.execute(
        "INSERT INTO gaps (session, at_sample, samples, reason, wall_ms)"
        " SELECT :new, at_sample, samples, reason, wall_ms FROM gaps WHERE session = :old",
        values,
    )
    connection.execute(
        "INSERT INTO markers (session, at_sample, label, created_at)"
        " SELECT :new, at_sample, label, created_at FROM markers WHERE session = :old",
        values,
    )
