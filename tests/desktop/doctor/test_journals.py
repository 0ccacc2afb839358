from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.capture.journal import Journal, JournalHeader
from scribe_desktop.doctor.findings import Kind
from scribe_desktop.doctor.journals import examine_journals, journals
from scribe_desktop.spool import Spool
from tests.parts.filled_spool import add_session, new_session, session_id_of, spool_in

SESSION = session_id_of(1)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = spool_in(tmp_path / "spool")
    yield made
    made.close()


def leave_journal(folder: Path, *, packets: int = 50) -> Path:
    journal = Journal(folder / f"{SESSION}.journal")
    header = JournalHeader(new_session(SESSION), sequence=0, first_sample=0, started_at=1_000)
    journal.replace(header, [(960 * number - 312, b"opus") for number in range(packets)])
    journal.close()
    return journal.path


def test_a_journal_that_nobody_writes_is_told_with_its_length(tmp_path: Path, spool: Spool) -> None:
    path = leave_journal(tmp_path)
    assert journals(tmp_path) == [path]
    (found,) = examine_journals(tmp_path, spool)
    assert (found.kind, found.session) == (Kind.JOURNAL_ORPHANED, SESSION)
    assert "holds up to 1.0 s" in found.message


def test_it_is_told_also_when_the_spool_does_not_open(tmp_path: Path) -> None:
    leave_journal(tmp_path)
    (found,) = examine_journals(tmp_path, None)
    assert found.kind is Kind.JOURNAL_ORPHANED


def test_a_journal_of_a_recording_that_was_ended_is_left_over(tmp_path: Path, spool: Spool) -> None:
    leave_journal(tmp_path)
    add_session(spool, SESSION, chunks=1)
    (found,) = examine_journals(tmp_path, spool)
    assert "its recording was ended" in found.message


def test_a_file_that_is_no_journal_is_told(tmp_path: Path, spool: Spool) -> None:
    (tmp_path / "x.journal").write_bytes(b"nonsense")
    (found,) = examine_journals(tmp_path, spool)
    assert found.kind is Kind.JOURNAL_DAMAGED


def test_an_open_recording_without_a_journal_is_told_once(tmp_path: Path, spool: Spool) -> None:
    add_session(spool, SESSION, chunks=1, ended=False)
    (found,) = examine_journals(tmp_path, spool)
    assert (found.kind, found.session) == (Kind.SESSION_OPEN, SESSION)
    leave_journal(tmp_path)
    (found,) = examine_journals(tmp_path, spool)
    assert found.kind is Kind.JOURNAL_ORPHANED
