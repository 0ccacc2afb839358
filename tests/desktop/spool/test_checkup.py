from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.spool import Spool, SpoolFailureError
from scribe_desktop.spool.checkup import SET_ASIDE, Deleted
from tests.parts.delivered import deliver
from tests.parts.filled_spool import add_session, chunk_bytes, session_id_of, spool_in

FIRST, SECOND = session_id_of(1), session_id_of(2)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = spool_in(tmp_path)
    add_session(made, FIRST, chunks=3)
    add_session(made, SECOND, chunks=1)
    yield made
    made.close()


def change(spool: Spool, sql: str) -> None:
    spool.change(lambda connection: connection.execute(sql) and None)


def test_a_sound_spool_has_nothing_to_tell(spool: Spool) -> None:
    deliver(spool, FIRST)
    assert (spool.first_damage(), spool.broken_references()) == ("", [])
    assert (spool.miscounted(), spool.deleted()) == ([], [])


def test_a_recording_that_has_no_part_yet_is_counted_right(spool: Spool) -> None:
    add_session(spool, session_id_of(3), chunks=0, ended=False)
    assert spool.miscounted() == []
    spool.recount()
    assert (spool.miscounted(), spool.pending()) == ([], 4)


def test_each_part_is_seen_with_the_length_of_what_is_here(spool: Spool) -> None:
    change(spool, "DELETE FROM audio WHERE chunk = 2")
    sights = list(spool.sights(FIRST))
    assert [sight.chunk for sight in sights] == spool.chunks(FIRST)
    assert [sight.length for sight in sights] == [sights[0].chunk.size, None, sights[2].chunk.size]


@pytest.mark.parametrize(
    "column", ["chunks", "bytes", "total_samples", "acked", "refused", "unsent", "has_receipt"]
)
def test_any_wrong_counter_is_found_and_counted_anew(spool: Spool, column: str) -> None:
    deliver(spool, SECOND)
    before = spool.sessions(), spool.pending()
    change(spool, f"UPDATE sessions SET {column} = 1 - {column} WHERE session_id = '{FIRST}'")  # noqa: S608
    assert spool.miscounted() == [FIRST]
    spool.recount()
    assert spool.miscounted() == []
    assert (spool.sessions(), spool.pending()) == before


def test_a_session_that_waits_without_its_flag_is_found(spool: Spool) -> None:
    change(spool, "UPDATE sessions SET waiting = 0")
    assert spool.miscounted() == [FIRST, SECOND]
    spool.recount()
    assert spool.pending() == 4


def test_deleted_audio_is_told_with_what_is_left_and_what_was_never_sent(spool: Spool) -> None:
    deliver(spool, SECOND)
    change(spool, "UPDATE sessions SET audio_deleted_at = 5")
    change(spool, "UPDATE sessions SET dropping = 1 WHERE id = 2")
    change(spool, "DELETE FROM audio WHERE chunk = 1")
    assert spool.deleted() == [
        Deleted(FIRST, dropping=False, left=2, unsent=3, unsent_samples=3 * 1_440_000),
        Deleted(SECOND, dropping=True, left=1, unsent=0, unsent_samples=0),
    ]


def test_a_part_that_is_set_aside_is_kept_outside_and_marked(spool: Spool, tmp_path: Path) -> None:
    kept = spool.set_part_aside(FIRST, 1)
    assert kept == tmp_path / SET_ASIDE / f"{FIRST}-1.webm"
    assert kept.read_bytes() == chunk_bytes(FIRST, 1)
    assert kept.stat().st_mode & 0o077 == 0
    assert spool.chunks(FIRST)[1].refused_code == "damaged"
    assert (spool.pending(), spool.miscounted()) == (3, [])
    assert spool.set_part_aside(FIRST, 1) is None


def test_a_part_that_the_server_has_stays_acknowledged(spool: Spool) -> None:
    deliver(spool, SECOND)
    spool.set_part_aside(SECOND, 0)
    assert spool.chunks(SECOND)[0].acked_at is not None
    assert spool.chunks(SECOND)[0].refused_code is None


def test_only_the_bytes_that_were_written_come_back(spool: Spool) -> None:
    spool.set_part_aside(FIRST, 1)
    assert not spool.put_part_back(FIRST, 1, chunk_bytes(FIRST, 2))
    assert spool.put_part_back(FIRST, 1, chunk_bytes(FIRST, 1))
    assert spool.chunk_data(FIRST, 1) == chunk_bytes(FIRST, 1)
    assert not spool.put_part_back(FIRST, 1, chunk_bytes(FIRST, 1))  # it is here already


def test_a_part_that_does_not_exist_is_no_part(spool: Spool) -> None:
    with pytest.raises(SpoolFailureError, match="no part 9"):
        spool.set_part_aside(FIRST, 9)


def test_a_withdrawn_receipt_is_kept_and_does_not_count(spool: Spool) -> None:
    deliver(spool, FIRST)
    spool.withdraw_receipt(FIRST)
    session = spool.session(FIRST)
    assert session is not None
    assert (session.has_receipt, spool.receipt(FIRST)) == (False, None)
    assert spool.miscounted() == []
