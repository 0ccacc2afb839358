import sqlite3
import threading
from pathlib import Path

import pytest

from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from tests.parts.filled_spool import add_session, new_chunk, new_session, session_id_of

SESSION = session_id_of(1)


def test_writers_in_two_threads_never_find_the_database_locked(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    add_session(spool, SESSION, chunks=0, ended=False)
    failures: list[BaseException] = []

    def acknowledge() -> None:
        other = Spool.open(tmp_path)
        try:
            for round_ in range(80):
                other.pending()
                other.set_meta("round", str(round_))
        except SpoolFailureError as error:
            failures.append(error)
        other.close()

    thread = threading.Thread(target=acknowledge)
    thread.start()
    for sequence in range(80):
        spool.add_chunk(new_chunk(SESSION, sequence))
    thread.join()

    assert failures == []
    assert spool.pending() == 80
    assert spool.meta("round") == "79"


def test_a_failed_write_leaves_nothing_half_done(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    spool.create_session(new_session(SESSION))
    spool._db.conn.execute("DROP TABLE audio")

    with pytest.raises(SpoolFailureError) as failed:
        spool.add_chunk(new_chunk(SESSION, 0))

    assert failed.value.kind is FailureKind.OTHER
    assert not spool._db.conn.in_transaction
    assert spool.chunks(SESSION) == []


def test_a_full_disk_is_named_and_the_spool_goes_on_when_there_is_room(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    spool.create_session(new_session(SESSION))
    pages = spool._rows("PRAGMA page_count")[0][0]
    spool._rows(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(SpoolFailureError) as failed:
        spool.add_chunk(new_chunk(SESSION, 0, size=300_000))
    spool._rows("PRAGMA max_page_count = 1000000")
    spool.add_chunk(new_chunk(SESSION, 0, size=300_000))

    assert failed.value.kind is FailureKind.DISK_FULL
    assert "Free some space" in failed.value.remedy
    assert spool.pending() == 1


def test_damage_is_named_also_when_the_disk_takes_no_note_of_it(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path / "spool")
    (tmp_path / "spool").rename(tmp_path / "elsewhere")
    malformed = sqlite3.DatabaseError("database disk image is malformed")
    malformed.sqlite_errorcode = sqlite3.SQLITE_CORRUPT

    with pytest.raises(SpoolFailureError) as failed, spool._guarded():
        raise malformed

    assert failed.value.kind is FailureKind.DAMAGED
    spool.close()
