"""The random walk is worth something: it finds each of these bugs when it is put in."""

from collections.abc import Callable, Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from scribe_desktop.sync.books import Books
from scribe_server.ingest import sessions
from scribe_server.store import batch, store
from scribe_server.store.batch import Stored
from tests.faults.model.client import MortalSpool
from tests.faults.model.machine import RandomWalk

pytestmark = [pytest.mark.timeout(180), pytest.mark.logs_errors]
WALKS = 800
"""At most: a walk that finds the bug is the last."""
LOSSES = ("acked, ", "certified, ", "promised and lost")
"""How the oracle calls what follows from an ack that is not true."""


def finds(seed: int, spool: type[MortalSpool] = MortalSpool) -> str:
    """What the walk says of the failure that it ends with."""

    @seeded(seed)
    class Walk(RandomWalk):
        spool_class = spool

    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(
            Walk,
            settings=settings(
                max_examples=WALKS,
                stateful_step_count=40,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],
            ),
        )
    print(caught.value)
    return str(caught.value)


def test_an_ack_before_the_commit_is_found(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    honest = store.Store.store_chunk

    def hasty(self: store.Store, write: batch.ChunkWrite, done: Callable[[Any], None]) -> None:
        if write.sequence <= write.session.max_seq:
            honest(self, write, done)
            return
        done(Stored((write.claimed or b"").hex(), 1, duplicate=False))
        honest(self, write, lambda _: None)

    monkeypatch.setattr(store.Store, "store_chunk", hasty)
    assert finds(seed).startswith(LOSSES)


def test_a_duplicate_that_is_accepted_without_its_checksum_is_found(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    def credulous(row: Any, write: batch.ChunkWrite) -> Stored:
        return Stored(write.sha256.hex(), row.created_at, duplicate=True)

    monkeypatch.setattr(batch, "_against", credulous)
    assert finds(seed).startswith((*LOSSES, "[ChunkAck("))


def test_an_ack_that_counts_for_all_before_it_is_found(seed: int) -> None:
    class Cumulative(MortalSpool):
        def mark_acked(self, session_id: str, sequence: int, *, sha256: str, acked_at: int) -> bool:
            for chunk in self.chunks(session_id)[:sequence]:
                super().mark_acked(
                    session_id, chunk.sequence, sha256=chunk.sha256, acked_at=acked_at
                )
            return super().mark_acked(session_id, sequence, sha256=sha256, acked_at=acked_at)

    assert finds(seed, Cumulative).startswith(LOSSES)


def test_books_that_are_not_compared_after_a_restore_are_found(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(Books, "_take_in", lambda *_: None)
    assert finds(seed).startswith(LOSSES)


def test_audio_that_is_deleted_without_asking_the_server_is_found(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    async def trusting(_self: Books, session_ids: Collection[str]) -> frozenset[str]:
        return frozenset(session_ids)

    monkeypatch.setattr(Books, "confirm", trusting)
    assert finds(seed).startswith("promised and lost")


def test_audio_that_is_deleted_before_it_is_marked_is_found(seed: int) -> None:
    class Hasty(MortalSpool):
        def delete_audio(self, session_id: str, *, deleted_at: int) -> None:
            with self._writing() as connection:
                connection.execute(
                    "DELETE FROM audio WHERE chunk IN (SELECT c.id FROM chunks c JOIN sessions s"
                    " ON s.id = c.session WHERE s.session_id = ?)",
                    (session_id,),
                )
            super().delete_audio(session_id, deleted_at=deleted_at)

    assert "nothing says so" in finds(seed, Hasty)


def test_a_tombstone_that_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(sessions, "is_deleted", lambda *_: False)
    assert "came back" in finds(seed)
