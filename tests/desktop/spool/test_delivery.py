from pathlib import Path

import pytest

from scribe_desktop.model import Gap, StoredReceipt
from scribe_desktop.spool import Spool
from scribe_server import protocol
from tests.parts.filled_spool import add_session, new_chunk, session_id_of

OLD, NEW, LIVE = session_id_of(1), session_id_of(2), session_id_of(3)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.open(tmp_path)


def ack(spool: Spool, session_id: str, *sequences: int) -> None:
    for sequence in sequences:
        assert spool.mark_acked(
            session_id, sequence, sha256=new_chunk(session_id, sequence).sha256, acked_at=1
        )


def places(spool: Spool, limit: int, **options: object) -> list[tuple[str, int]]:
    chunks = spool.next_unsent(limit, **options)  # type: ignore[arg-type]  # the tests' own options
    return [(chunk.session_id, chunk.sequence) for chunk in chunks]


def test_the_live_session_goes_first_and_then_the_oldest(spool: Spool) -> None:
    add_session(spool, NEW, chunks=2, started_at=20)
    add_session(spool, OLD, chunks=2, started_at=10)
    add_session(spool, LIVE, chunks=2, started_at=30, ended=False)

    assert places(spool, 5) == [(LIVE, 0), (LIVE, 1), (OLD, 0), (OLD, 1), (NEW, 0)]


def test_what_is_on_its_way_is_not_taken_again(spool: Spool) -> None:
    add_session(spool, OLD, chunks=4)
    add_session(spool, NEW, chunks=1, started_at=2_000)

    assert places(spool, 2, exclude={(OLD, 0), (OLD, 2)}) == [(OLD, 1), (OLD, 3)]
    assert places(spool, 9, skip_sessions={OLD}) == [(NEW, 0)]


def test_sessions_that_are_busy_or_skipped_do_not_hide_the_ones_behind_them(spool: Spool) -> None:
    busy, skipped = session_id_of(1), session_id_of(2)
    for number in range(1, 5):
        add_session(spool, session_id_of(number), chunks=1, started_at=number)

    found = places(spool, 1, exclude={(busy, 0)}, skip_sessions={skipped})

    assert found == [(session_id_of(3), 0)]


def test_refused_chunks_and_sessions_wait_for_nobody(spool: Spool) -> None:
    add_session(spool, OLD, chunks=2)
    add_session(spool, NEW, chunks=2, started_at=20)
    spool.mark_refused(OLD, 0, "chunk_too_large")
    spool.refuse_session(NEW, "session_closed")

    assert places(spool, 9) == [(OLD, 1)]
    assert spool.pending() == 1


def test_an_ack_with_another_hash_is_not_believed(spool: Spool) -> None:
    add_session(spool, OLD, chunks=1)

    assert not spool.mark_acked(OLD, 0, sha256="0" * 64, acked_at=1)
    assert spool.pending() == 1
    assert spool.chunks(OLD)[0].acked_at is None


def test_the_first_ack_of_a_chunk_keeps_its_time(spool: Spool) -> None:
    add_session(spool, OLD, chunks=1)
    sha256 = new_chunk(OLD, 0).sha256
    spool.mark_acked(OLD, 0, sha256=sha256, acked_at=5)
    assert spool.mark_acked(OLD, 0, sha256=sha256, acked_at=9)
    assert spool.chunks(OLD)[0].acked_at == 5


def test_an_acked_chunk_cannot_be_refused_later(spool: Spool) -> None:
    add_session(spool, OLD, chunks=1)
    ack(spool, OLD, 0)
    spool.mark_refused(OLD, 0, "busy")
    session = spool.session(OLD)
    assert session is not None
    assert (session.acked_chunks, session.refused_chunks) == (1, 0)


def test_what_the_server_lost_waits_again_and_its_receipt_is_withdrawn(spool: Spool) -> None:
    add_session(spool, OLD, chunks=5)
    ack(spool, OLD, 0, 1, 2, 3, 4)
    spool.save_receipt(StoredReceipt(OLD, "{}", "aa", "server", "http://x", 1))

    assert spool.requeue(OLD, [(1, 1), (3, 9)]) == 3

    assert places(spool, 9) == [(OLD, 1), (OLD, 3), (OLD, 4)]
    assert spool.receipt(OLD) is None
    assert [s.session_id for s in spool.sessions_awaiting_receipt()] == [OLD]


def test_taking_back_what_was_never_acked_changes_nothing(spool: Spool) -> None:
    add_session(spool, OLD, chunks=2)
    assert spool.requeue(OLD, [(0, 1)]) == 0


def test_the_books_name_the_acked_chunks_and_their_digest(spool: Spool) -> None:
    add_session(spool, OLD, chunks=5)
    ack(spool, OLD, 0, 1, 4)

    ranges, digest = spool.acked_books(OLD)

    assert ranges == [(0, 1), (4, 4)]
    assert digest == protocol.digest_of((n, new_chunk(OLD, n).sha256) for n in (0, 1, 4))


def test_the_manifest_names_all_that_was_recorded(spool: Spool) -> None:
    add_session(spool, OLD, chunks=2)
    spool.add_gap(OLD, Gap(5, 0, "pause", 7))

    manifest = spool.manifest(OLD)

    assert [(c.sequence, c.first_sample) for c in manifest.chunks] == [(0, 0), (1, 1_440_000)]
    assert manifest.gaps == [protocol.ManifestGap(5, 0, "pause", 7)]
    assert manifest.total_samples == 2 * 1_440_000


def test_sessions_that_can_still_get_a_receipt_are_listed(spool: Spool) -> None:
    add_session(spool, OLD, chunks=1)
    add_session(spool, NEW, chunks=1, started_at=2_000)
    add_session(spool, LIVE, chunks=1, ended=False)
    add_session(spool, session_id_of(4), chunks=0)
    add_session(spool, session_id_of(5), chunks=1)
    spool.refuse_session(session_id_of(5), "session_closed")
    spool.save_receipt(StoredReceipt(NEW, "{}", "aa", "server", "http://x", 1))

    assert [s.session_id for s in spool.sessions_awaiting_receipt()] == [OLD]


def test_the_newest_receipt_counts(spool: Spool) -> None:
    add_session(spool, OLD, chunks=1)
    first = StoredReceipt(OLD, '{"a":1}', "aa", "server", "http://x", 1)
    second = StoredReceipt(OLD, '{"a":2}', "bb", "server", "http://x", 2)
    spool.save_receipt(first)
    spool.save_receipt(second)

    assert spool.receipt(OLD) == second
    session = spool.session(OLD)
    assert session is not None
    assert session.has_receipt


def test_remembered_values_can_be_replaced(spool: Spool) -> None:
    assert spool.meta("device_id") is None
    spool.set_meta("device_id", "one")
    spool.set_meta("device_id", "two")
    assert spool.meta("device_id") == "two"
