import shutil
from pathlib import Path

import pytest

from scribe_desktop.spool import Spool
from scribe_desktop.spool.broken_log import is_log_broken
from scribe_desktop.spool.quarantine import FILE_NAME, side_file
from tests.parts.filled_spool import add_session, session_id_of

SESSION = session_id_of(1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A spool as a crash leaves it: everything is in its log."""
    spool = Spool.open(tmp_path / "running")
    add_session(spool, SESSION, chunks=8, ended=False)
    after_the_crash = tmp_path / "crashed" / FILE_NAME
    after_the_crash.parent.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        shutil.copy(tmp_path / "running" / name, after_the_crash.parent / name)
    spool.close()
    return after_the_crash


def change(log: Path, *, at: int) -> None:
    data = bytearray(log.read_bytes())
    data[at] ^= 1
    log.write_bytes(data)


def test_what_a_crash_leaves_is_no_damage(path: Path) -> None:
    assert not is_log_broken(path)
    log = side_file(path, "-wal")
    whole = log.read_bytes()
    log.write_bytes(whole[:-3_000])
    assert not is_log_broken(path)
    log.write_bytes(whole)
    change(log, at=len(whole) - 3_000)
    assert not is_log_broken(path)


def test_no_log_and_an_empty_one_are_no_damage(path: Path) -> None:
    side_file(path, "-wal").write_bytes(b"")
    assert not is_log_broken(path)
    side_file(path, "-wal").unlink()
    assert not is_log_broken(path)


def test_a_changed_bit_before_other_commits_is_damage_and_looking_keeps_the_log(path: Path) -> None:
    log = side_file(path, "-wal")
    change(log, at=log.stat().st_size // 2)
    damaged = log.read_bytes()
    assert is_log_broken(path)
    assert log.read_bytes() == damaged


def test_a_changed_header_is_damage(path: Path) -> None:
    for at in (0, 9, 17, 30):
        change(side_file(path, "-wal"), at=at)
        assert is_log_broken(path)
        change(side_file(path, "-wal"), at=at)
    assert not is_log_broken(path)


def test_a_log_that_was_begun_anew_may_end_in_commits_of_the_old_one(path: Path) -> None:
    spool = Spool.open(path.parent, checkpoint_bytes=1)
    for number in range(2, 5):
        add_session(spool, session_id_of(number), chunks=1)
    shutil.copytree(path.parent, path.parent.with_name("crashed again"))
    again = path.parent.with_name("crashed again") / FILE_NAME
    assert side_file(again, "-wal").stat().st_size > 0
    assert not is_log_broken(again)
    spool.close()


def test_a_database_that_cannot_be_opened_is_damaged_in_another_way(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:16] + b"no database")
    assert not is_log_broken(path)


def test_a_spool_with_a_broken_log_is_put_aside_salvaged_and_said_to_be_torn(path: Path) -> None:
    log = side_file(path, "-wal")
    change(log, at=log.stat().st_size // 2)
    spool = Spool.open(path.parent)
    (saved,) = spool.salvage_quarantined()
    assert saved.torn
    assert 0 < len(spool.chunks(SESSION)) < 8
    spool.close()
