from dataclasses import replace
from pathlib import Path

import pytest

from scribe_desktop.model import Gap, Marker
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from tests.parts.filled_spool import add_session, new_chunk, new_session, session_id_of

SESSION = session_id_of(1)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    opened = Spool.open(tmp_path)
    opened.create_session(new_session(SESSION))
    return opened


def test_adding_the_same_chunk_again_does_nothing(spool: Spool) -> None:
    chunk = new_chunk(SESSION, 0)
    spool.add_chunk(chunk)
    spool.add_chunk(chunk)

    assert [c.sha256 for c in spool.chunks(SESSION)] == [chunk.sha256]
    assert spool.pending() == 1


def test_other_bytes_under_the_same_sequence_are_refused(spool: Spool) -> None:
    spool.add_chunk(new_chunk(SESSION, 0))

    with pytest.raises(SpoolFailureError) as refused:
        spool.add_chunk(replace(new_chunk(SESSION, 0), sha256="0" * 64))

    assert refused.value.kind is FailureKind.CONTRADICTION
    assert spool.chunk_data(SESSION, 0) == new_chunk(SESSION, 0).data


def test_a_chunk_of_an_unknown_session_is_refused(spool: Spool) -> None:
    with pytest.raises(SpoolFailureError) as refused:
        spool.add_chunk(new_chunk(session_id_of(9), 0))
    assert refused.value.kind is FailureKind.NOT_FOUND


def test_a_flipped_byte_in_a_chunk_is_noticed_when_it_is_read(spool: Spool) -> None:
    spool.add_chunk(new_chunk(SESSION, 0))
    spool._db.conn.execute("UPDATE audio SET data = zeroblob(length(data))")

    with pytest.raises(SpoolFailureError) as found:
        spool.chunk_data(SESSION, 0)

    assert found.value.kind is FailureKind.DAMAGED_CHUNK


def test_chunks_are_listed_in_ascending_order(spool: Spool) -> None:
    for sequence in (2, 0, 1):
        spool.add_chunk(new_chunk(SESSION, sequence))

    assert [chunk.sequence for chunk in spool.chunks(SESSION)] == [0, 1, 2]
    session = spool.session(SESSION)
    assert session is not None
    assert session.total_samples == 3 * 1_440_000


def test_gaps_and_markers_come_back_in_the_order_of_the_timeline(spool: Spool) -> None:
    late, early = Gap(900, 0, "pause", 5_000), Gap(100, 480, "xrun", 10)
    for gap in (late, early, late):
        spool.add_gap(SESSION, gap)
    first, second = Marker(5, "here", 1), Marker(50, "there", 2)
    spool.add_marker(SESSION, second)
    spool.add_marker(SESSION, first)

    assert spool.gaps(SESSION) == [early, late]
    assert spool.markers(SESSION) == [first, second]


def test_gaps_of_one_session_are_not_those_of_another(spool: Spool) -> None:
    add_session(spool, session_id_of(2), chunks=0)
    spool.add_gap(SESSION, Gap(1, 0, "pause", 1))
    assert spool.gaps(session_id_of(2)) == []
