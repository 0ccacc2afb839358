"""Bugs to be put into a process before it lives: each must be found at some point."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from scribe_desktop.capture import recovery
from scribe_desktop.capture.journal import JournalContents
from scribe_desktop.capture.writer import SessionWriter
from scribe_desktop.spool.sessions import SessionRows
from scribe_server.store import batch, store
from scribe_server.store.batch import Stored
from scribe_server.store.deletion import Deletion


def ack_before_commit() -> None:
    """Each chunk is acked at once, and stored when the next one comes."""
    honest = store.Store.store_chunk
    held: list[batch.ChunkWrite] = []

    def hasty(self: store.Store, write: batch.ChunkWrite, done: Callable[[Any], None]) -> None:
        held.append(write)
        done(Stored((write.claimed or b"").hex(), 1, duplicate=False))
        if len(held) > 1:
            honest(self, held.pop(0), lambda _: None)

    store.Store.store_chunk = hasty  # type: ignore[method-assign]


def journal_removed_before_recovery() -> None:
    honest = recovery.read_journal

    def hasty(path: Path) -> JournalContents | None:
        contents = honest(path)
        path.rename(path.with_suffix(".done"))
        path.touch()
        return contents

    recovery.read_journal = hasty


def journal_trimmed_before_commit() -> None:
    honest = SessionWriter._store_waiting

    def hasty(self: SessionWriter) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._replace_journal()
        self._waiting = waiting
        honest(self)

    SessionWriter._store_waiting = hasty  # type: ignore[method-assign]


def audio_deleted_before_it_is_marked() -> None:
    honest = SessionRows.delete_audio

    def hasty(self: SessionRows, session_id: str, *, deleted_at: int) -> None:
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM audio WHERE chunk IN (SELECT c.id FROM chunks c JOIN sessions s"
                " ON s.id = c.session WHERE s.session_id = ?)",
                (session_id,),
            )
        honest(self, session_id, deleted_at=deleted_at)

    SessionRows.delete_audio = hasty  # type: ignore[method-assign]


def bytes_wiped_before_the_tombstone() -> None:
    honest = Deletion._bury

    def hasty(self: Deletion, connection: Any, owner: int, user: str, uuid: str) -> Any:
        rows = connection.exec_driver_sql(
            'SELECT c.segment, c."offset", c.size FROM chunks c JOIN sessions s ON s.id = c.session'
            " WHERE s.uuid = ?",
            (uuid,),
        )
        self._blobs.delete([batch.BlobRef(*row) for row in rows])
        return honest(self, connection, owner, user, uuid)

    Deletion._bury = hasty  # type: ignore[method-assign]


BUGS: dict[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        ack_before_commit,
        journal_removed_before_recovery,
        journal_trimmed_before_commit,
        audio_deleted_before_it_is_marked,
        bytes_wiped_before_the_tombstone,
    )
}
