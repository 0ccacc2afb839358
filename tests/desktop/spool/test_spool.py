from pathlib import Path

import pytest

from scribe_desktop.errors import SpoolError
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from tests.parts.filled_spool import add_session, new_chunk, new_session, session_id_of

SESSION = session_id_of(1)


def test_what_was_added_is_there_after_reopening(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    add_session(spool, SESSION, chunks=2)
    spool.close()

    again = Spool.open(tmp_path)

    assert again.chunk_data(SESSION, 1) == new_chunk(SESSION, 1).data
    assert again.quarantined is None


def test_a_reader_sees_what_the_owner_commits(tmp_path: Path) -> None:
    owner = Spool.open(tmp_path)
    reader = Spool.open_read_only(tmp_path)

    owner.create_session(new_session(SESSION))

    assert [session.session_id for session in reader.sessions()] == [SESSION]


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    Spool.open(tmp_path).close()
    reader = Spool.open_read_only(tmp_path)

    with pytest.raises(SpoolFailureError) as refused:
        reader.create_session(new_session(SESSION))

    assert refused.value.kind is FailureKind.READ_ONLY


def test_reading_where_nothing_was_recorded_says_so(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="no recordings yet"):
        Spool.open_read_only(tmp_path)


def test_a_deletion_that_a_crash_interrupted_is_finished_at_the_next_open(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    add_session(spool, SESSION, chunks=2)
    spool._db.conn.execute("UPDATE sessions SET audio_deleted_at = 7, dropping = 1")
    spool.close()

    again = Spool.open(tmp_path)

    with pytest.raises(SpoolFailureError, match="not on this computer"):
        again.chunk_data(SESSION, 0)
    assert len(again.chunks(SESSION)) == 2


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    spool.close()
    spool.close()
    with pytest.raises(SpoolError):
        spool.sessions()
