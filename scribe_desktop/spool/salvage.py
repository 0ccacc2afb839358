"""Taking what can still be read of a damaged spool over into the new one.

For each file in quarantine: (1) its sessions; (2) its chunks, each with bytes that match their
SHA-256; (3) gaps, markers, receipts and remembered values; (4) a report beside it. Every step adds
only what is not there yet, so dying in between is harmless: without a report it is done again.
A chunk whose bytes are lost keeps its row: acked it is on the server, else it is marked `damaged`.
"""

import hashlib
import logging
import sqlite3
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from scribe_desktop.model import SAMPLE_RATE, GapReason
from scribe_desktop.spool.base import SpoolBase
from scribe_desktop.spool.chunks import LOST_PART, bring_back_audio
from scribe_desktop.spool.failures import FailureKind, SpoolFailureError
from scribe_desktop.spool.quarantine import waiting, write_report
from scribe_desktop.spool.wreck import Row, Wreck
from scribe_server import protocol

log = logging.getLogger(__name__)

_SESSION: Final = (
    "session_id", "title", "source", "started_at", "timezone", "channels", "bitrate", "device",
    "forked_from", "forked_to", "paused", "recovered", "ended_at", "refused_code",
    "audio_deleted_at", "dropping",
)  # fmt: skip
_CHUNK: Final = (
    "session", "sequence", "first_sample", "samples", "sha256", "size", "started_at", "acked_at",
    "refused_code",
)  # fmt: skip
_LABELS: Final = {
    "gaps": ("session", "at_sample", "samples", "reason", "wall_ms"),
    "markers": ("session", "at_sample", "label", "created_at"),
    "receipts": (
        "session", "receipt_json", "public_key", "server_id", "origin", "received_at", "withdrawn",
    ),
}  # fmt: skip


class Salvage(msgspec.Struct, frozen=True, rename="camel"):
    """What was saved of one damaged file, and what was lost.

    Attributes:
        place: where the damaged file is.
        sessions: recordings taken over.
        parts: chunks taken over with their bytes, or known to be on the server.
        lost_parts: chunks whose bytes cannot be read and that the server had not confirmed.
        lost_ms: the sound in them, as far as their length is known.
        torn: whether rows of recordings or parts lie on pages that cannot be read.
        differing: parts that were not taken over, because other bytes are in their place already.
        why: the damage, when the file could not be opened at all.
    """

    place: str
    sessions: int = 0
    parts: int = 0
    lost_parts: int = 0
    lost_ms: int = 0
    torn: bool = False
    differing: int = 0
    why: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything that the file held is here now, so that it is needed no more."""
        return not (self.why or self.torn or self.lost_parts or self.differing)

    @property
    def words(self) -> str:
        """One or two sentences for people."""
        if self.why:
            return f"Nothing in it can be read ({self.why.rstrip('.')}). It is kept: {self.place}"
        saved = f"{self.sessions} recordings with {self.parts} parts were saved"
        lost = f"{self.lost_parts} parts ({self.lost_ms / 60_000:.1f} minutes) were lost"
        torn = "; some of its entries cannot be read" if self.torn else ""
        other = f"; {self.differing} parts are here with other bytes" if self.differing else ""
        ending = f"{lost if self.lost_parts else 'no part was lost'}{torn}{other}."
        return f"{saved}, {ending} It is kept: {self.place}"


class SalvageRows(SpoolBase):
    """The part of the spool that takes over damaged files."""

    def salvage_quarantined(self) -> list[Salvage]:
        """Take over every file in quarantine that has no report yet.

        Raises:
            SpoolFailureError: this spool refuses; what is left is taken over at the next call.
        """
        done = []
        for path in waiting(self._folder):
            found = self.salvage(path)
            write_report(path, msgspec.json.encode(found).decode())
            log.warning("a damaged file of recordings was put aside. %s", found.words)
            done.append(found)
        return done

    def salvage(self, path: Path, *, keep_acks: bool = True) -> Salvage:
        """Take over what can be read of a spool's file; doing it again adds nothing.

        Args:
            path: the file, which is only read.
            keep_acks: believe its acks and receipts.
        """
        try:
            wreck = Wreck(path)
        except SpoolFailureError as failure:
            if failure.kind not in {FailureKind.DAMAGED, FailureKind.MISSING}:
                raise
            return Salvage(str(path), why=failure.message)
        with closing(wreck):
            return _Transfer(self, wreck, path, keep_acks=keep_acks).run()

    def change(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do something in one durable transaction."""
        with self._writing() as connection:
            work(connection)


class _Transfer:
    """One file on its way into the spool."""

    def __init__(self, spool: SalvageRows, wreck: Wreck, path: Path, *, keep_acks: bool) -> None:
        self._spool = spool
        self._wreck = wreck
        self._path = path
        self._keep_acks = keep_acks
        self._keys: dict[int, int] = {}
        self._deleted: set[int] = set()
        self._unsent: Counter[int] = Counter()
        self._known: dict[int, int] = {}
        self._ends: dict[int, tuple[int, int]] = {}
        self._parts = self._lost = self._lost_ms = self._differing = 0

    def run(self) -> Salvage:
        self._spool.change(self._take_meta)
        for row in self._wreck.rows("sessions"):
            if _is_session(row):
                self._take_session(row)
        for row in self._wreck.rows("chunks"):
            if _is_chunk(row):
                self._take_chunk(row)
        self._declare_lost_ends()
        tables = list(_LABELS) if self._keep_acks else ["gaps", "markers"]
        for table in tables:
            for row in self._wreck.rows(table):
                self._take_label(table, row)
        self._spool.change(_count_receipts)
        missing = sum(count for count in self._unsent.values() if count > 0)
        unreadable = self._wreck.unreadable
        return Salvage(
            place=str(self._path),
            sessions=len(self._keys),
            parts=self._parts,
            lost_parts=self._lost + missing,
            lost_ms=self._lost_ms + missing * protocol.CHUNK_MS,
            torn=bool(unreadable["sessions"] or unreadable["chunks"] or self._wreck.log_is_broken),
            differing=self._differing,
        )

    def _take_meta(self, connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
            list(self._wreck.meta().items()),
        )

    def _take_session(self, row: Row) -> None:
        if isinstance(row.get("chunks"), int):
            self._known[row["id"]] = row["chunks"]
        if row.get("audio_deleted_at") is not None:
            self._deleted.add(row["id"])
        elif _all_of(row, int, "chunks", "acked"):
            self._unsent[row["id"]] = row["chunks"] - row["acked"]

        def take(connection: sqlite3.Connection) -> None:
            _insert(connection, "sessions", {name: row.get(name) for name in _SESSION})
            # A recording that moved to another file while it ran has ended in the last of them.
            connection.execute(
                "UPDATE sessions SET ended_at = :ended_at, paused = 0"
                " WHERE session_id = :session_id AND ended_at IS NULL AND :ended_at NOTNULL",
                {"session_id": row["session_id"], "ended_at": row.get("ended_at")},
            )
            found = connection.execute(
                "SELECT id FROM sessions WHERE session_id = ?", (row["session_id"],)
            ).fetchone()
            if found is not None:
                self._keys[row["id"]] = found[0]

        self._spool.change(take)

    def _take_chunk(self, row: Row) -> None:
        data = self._wreck.audio(row["id"])
        if data is not None and hashlib.sha256(data).hexdigest() != row["sha256"]:
            data = None
        values = {name: row[name] for name in _CHUNK}
        end = row["sequence"] + 1, row["first_sample"] + row["samples"]
        self._ends[row["session"]] = max(end, self._ends.get(row["session"], end))
        self._unsent[row["session"]] -= row["acked_at"] is None
        if not self._keep_acks:
            values["acked_at"] = None
        lost = data is None and values["acked_at"] is None and row["session"] not in self._deleted
        if lost:
            values["refused_code"] = LOST_PART

        def take(connection: sqlite3.Connection) -> None:
            if row["session"] not in self._keys:
                self._make_session(connection, row)
            values["session"] = self._keys[row["session"]]
            added = _insert(connection, "chunks", values)
            if added is not None and data is not None:
                connection.execute("INSERT INTO audio (chunk, data) VALUES (?, ?)", (added, data))
                # It may be the part for whose lack the recording was given up.
                connection.execute(
                    "UPDATE sessions SET refused_code = NULL WHERE id = ? AND refused_code = ?",
                    (values["session"], LOST_PART),
                )
            elif data is not None:
                bring_back_audio(connection, values, data)
            self._differing += added is None and _is_another(connection, values)

        self._spool.change(take)
        self._parts += not lost
        self._lost += lost
        self._lost_ms += row["samples"] * 1000 // SAMPLE_RATE if lost else 0

    def _declare_lost_ends(self) -> None:
        """Label the end of recordings whose last parts left no row: nothing else would show it.

        A part that is missing between others shows by itself.
        """
        for number, count in self._known.items():
            following, end = self._ends.get(number, (0, 0))
            if following < count and number in self._keys:
                lost_ms = (count - following) * protocol.CHUNK_MS
                gap: Row = {
                    "session": number, "at_sample": end, "samples": 0,
                    "reason": GapReason.LOST, "wall_ms": lost_ms,
                }  # fmt: skip
                self._take_label("gaps", gap)

    def _make_session(self, connection: sqlite3.Connection, chunk: Row) -> None:
        """Give chunks whose session's row is gone a new one, the same at each attempt."""
        place = f"{self._path.parent.name}/{chunk['session']}"
        session_id = str(uuid.uuid5(uuid.NAMESPACE_OID, place))
        began = chunk["started_at"]
        values: Row = {
            "session_id": session_id, "title": "Salvaged recording", "source": "mic",
            "started_at": began, "timezone": "UTC", "channels": 1, "bitrate": 32_000,
            "device": "", "recovered": 1, "ended_at": began,
        }  # fmt: skip
        _insert(connection, "sessions", values)
        self._keys[chunk["session"]] = connection.execute(
            "SELECT id FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()[0]

    def _take_label(self, table: str, row: Row) -> None:
        key = self._keys.get(row.get("session", 0))
        if key is None:
            return
        values = {name: row.get(name) for name in _LABELS[table]} | {"session": key}
        where = " AND ".join(f"{name} IS :{name}" for name in values if name != "withdrawn")

        def take(connection: sqlite3.Connection) -> None:
            query = f"SELECT 1 FROM {table} WHERE {where}"  # noqa: S608 - all words are ours
            if connection.execute(query, values).fetchone() is None:
                _insert(connection, table, values)

        self._spool.change(take)


def _insert(connection: sqlite3.Connection, table: str, values: Row) -> int | None:
    """Insert a row unless it is there or does not fit; its number, or None."""
    columns = {name: value for name, value in values.items() if value is not None}
    names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    added = connection.execute(
        f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})",  # noqa: S608 - ours
        columns,
    )
    return added.lastrowid if added.rowcount == 1 else None


def _is_another(connection: sqlite3.Connection, values: Row) -> bool:
    """Whether the place of a chunk is taken by other bytes, or it could not be put there."""
    found = connection.execute(
        "SELECT sha256 FROM chunks WHERE session = :session AND sequence = :sequence", values
    ).fetchone()
    return found is None or found[0] != values["sha256"]


def _count_receipts(connection: sqlite3.Connection) -> None:
    """The trigger counts a withdrawn receipt, too, when it is inserted."""
    connection.execute(
        "UPDATE sessions SET has_receipt = EXISTS ("
        "SELECT 1 FROM receipts WHERE session = sessions.id AND withdrawn = 0)"
        " WHERE has_receipt <> EXISTS ("
        "SELECT 1 FROM receipts WHERE session = sessions.id AND withdrawn = 0)"
    )


def _is_session(row: Row) -> bool:
    return _is_uuid(row.get("session_id")) and _all_of(row, int, "started_at", "channels", "id")


def _is_chunk(row: Row) -> bool:
    """What a page full of other bytes would hardly look like."""
    sha256 = row.get("sha256")
    return (
        _all_of(row, int, "id", "session", "sequence", "first_sample", "samples", "size")
        and _all_of(row, int, "started_at")
        and isinstance(sha256, str)
        and len(sha256) == 64
        and row["samples"] > 0
        and row["sequence"] >= 0
    )


def _all_of(row: Row, kind: type, *names: str) -> bool:
    return all(isinstance(row.get(name), kind) for name in names)


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
