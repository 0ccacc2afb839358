from pathlib import Path

import pytest

from scribe_desktop.model import Gap, Marker, SessionState
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from tests.parts.filled_spool import add_session, chunk_bytes, new_session, session_id_of

FIRST, SECOND, COPY = session_id_of(1), session_id_of(2), session_id_of(3)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool.open(tmp_path)


def test_the_newest_session_is_listed_first(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=0, started_at=10)
    add_session(spool, SECOND, chunks=0, started_at=20)

    assert [s.session_id for s in spool.sessions()] == [SECOND, FIRST]
    assert [s.session_id for s in spool.sessions(limit=1)] == [SECOND]


def test_an_id_is_used_once(spool: Spool) -> None:
    spool.create_session(new_session(FIRST))
    with pytest.raises(SpoolFailureError) as refused:
        spool.create_session(new_session(FIRST))
    assert refused.value.kind is FailureKind.CONTRADICTION


def test_a_session_goes_through_its_states(spool: Spool) -> None:
    def state() -> SessionState:
        session = spool.session(FIRST)
        assert session is not None
        return session.state

    add_session(spool, FIRST, chunks=1, ended=False)
    seen = [state()]
    spool.set_paused(FIRST, True)
    seen.append(state())
    spool.end_session(FIRST, ended_at=9)
    seen.append(state())
    spool.mark_acked(FIRST, 0, sha256=spool.chunks(FIRST)[0].sha256, acked_at=1)
    seen.append(state())

    assert seen == ["recording", "paused", "local", "sending"]
    assert spool.open_sessions() == []


def test_the_first_end_of_a_session_stands(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=0, ended=False)
    spool.end_session(FIRST, ended_at=9)
    spool.end_session(FIRST, ended_at=99, recovered=True)

    session = spool.session(FIRST)
    assert session is not None
    assert (session.ended_at, session.recovered) == (9, False)


def test_a_recovered_session_says_so(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=0, ended=False)
    spool.end_session(FIRST, ended_at=9, recovered=True)
    session = spool.session(FIRST)
    assert session is not None
    assert session.recovered


def test_a_new_title_is_kept(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=0)
    spool.rename_session(FIRST, "Board")
    session = spool.session(FIRST)
    assert session is not None
    assert session.title == "Board"


def test_changing_an_unknown_session_is_an_error(spool: Spool) -> None:
    with pytest.raises(SpoolFailureError, match="not here"):
        spool.rename_session(FIRST, "x")


def test_a_fork_holds_all_the_audio_again_and_the_old_one_is_a_problem(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=3)
    spool.add_gap(FIRST, Gap(5, 0, "pause", 7))
    spool.add_marker(FIRST, Marker(5, "here", 1))
    spool.mark_acked(FIRST, 0, sha256=spool.chunks(FIRST)[0].sha256, acked_at=1)

    spool.fork_session(FIRST, COPY, title="A meeting (2)")

    copy, old = spool.session(COPY), spool.session(FIRST)
    assert copy is not None
    assert old is not None
    assert (copy.forked_from, copy.title, copy.chunks, copy.acked_chunks) == (
        FIRST,
        "A meeting (2)",
        3,
        0,
    )
    assert (old.state, spool.fork_of(FIRST)) == (SessionState.PROBLEM, COPY)
    assert [spool.chunk_data(COPY, n) for n in range(3)] == [
        chunk_bytes(FIRST, n) for n in range(3)
    ]
    assert spool.gaps(COPY) == spool.gaps(FIRST)
    assert spool.markers(COPY) == spool.markers(FIRST)
    assert spool.pending() == 3


def test_a_session_is_forked_once(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=1)
    spool.refuse_session(FIRST, "conflict")
    assert [s.session_id for s in spool.sessions_to_fork()] == [FIRST]

    spool.fork_session(FIRST, COPY, title="a")
    spool.fork_session(FIRST, SECOND, title="b")

    assert spool.sessions_to_fork() == []
    assert spool.session(SECOND) is None


def test_a_session_that_still_records_is_not_forked_yet(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=1, ended=False)
    spool.refuse_session(FIRST, "conflict")
    assert spool.sessions_to_fork() == []


def test_deleting_the_audio_keeps_the_rows_and_gives_the_space_back(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=4, size=200_000)
    before = spool._rows("PRAGMA page_count")[0][0]

    spool.delete_audio(FIRST, deleted_at=77)

    session = spool.session(FIRST)
    assert session is not None
    assert (session.audio_deleted_at, session.chunks) == (77, 4)
    assert spool.pending() == 0
    assert spool._rows("SELECT count(*) FROM audio")[0][0] == 0
    assert spool._rows("PRAGMA page_count")[0][0] < before


def test_a_deleted_session_leaves_nothing_behind(spool: Spool) -> None:
    add_session(spool, FIRST, chunks=2)
    spool.add_gap(FIRST, Gap(5, 0, "pause", 7))

    spool.delete_session(FIRST)
    spool.delete_session(FIRST)

    assert spool.sessions() == []
    assert spool._rows("SELECT id FROM chunks UNION ALL SELECT chunk FROM audio") == []
    assert spool._rows("SELECT id FROM gaps") == []
