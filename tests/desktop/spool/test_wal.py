import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from scribe_desktop.spool.wal import committed, rebuild

PAGE = 4096


def with_log(folder: Path, *, rows: int) -> tuple[bytes, bytes]:
    """A database of which a part is in its log, as SQLite has written both."""
    path = folder / "some.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)")
        db.execute("INSERT INTO t (data) VALUES (zeroblob(5000))")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(rows):
            db.execute("INSERT INTO t (data) VALUES (?)", (bytes([number]) * 5000,))
        return path.read_bytes(), path.with_name("some.sqlite3-wal").read_bytes()


def rows_of(folder: Path, file: bytes, log: bytes) -> list[tuple[int, bytes]]:
    found = committed(BytesIO(log))
    assert found is not None
    whole = BytesIO()
    rebuild(BytesIO(file), BytesIO(log), found, whole)
    whole.seek(18)
    whole.write(b"\1\1")  # it has no log any more
    path = folder / "rebuilt.sqlite3"
    path.write_bytes(whole.getvalue())
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return db.execute("SELECT id, data FROM t ORDER BY id").fetchall()


def test_file_and_log_together_are_the_database(tmp_path: Path) -> None:
    file, log = with_log(tmp_path, rows=3)
    rows = rows_of(tmp_path, file, log)
    assert [number for number, _ in rows] == [1, 2, 3, 4]
    assert rows[-1][1] == b"\2" * 5000


def test_a_first_page_that_is_gone_comes_from_the_log(tmp_path: Path) -> None:
    file, log = with_log(tmp_path, rows=3)
    assert len(rows_of(tmp_path, b"\0" * PAGE + file[PAGE:], log)) == 4


def test_a_torn_transaction_at_the_end_does_not_count(tmp_path: Path) -> None:
    file, log = with_log(tmp_path, rows=3)
    assert len(rows_of(tmp_path, file, log[:-100])) == 3


def test_frames_behind_a_wrong_byte_do_not_count(tmp_path: Path) -> None:
    file, log = with_log(tmp_path, rows=3)
    wrong = bytearray(log)
    wrong[len(log) // 2] ^= 1
    assert len(rows_of(tmp_path, file, bytes(wrong))) < 4


@pytest.mark.parametrize("content", [b"", b"left over", b"no log at all" * 10, b"\0" * 5000])
def test_what_is_no_log_holds_nothing(content: bytes) -> None:
    assert committed(BytesIO(content)) is None


def test_a_log_without_any_commit_holds_nothing(tmp_path: Path) -> None:
    _, log = with_log(tmp_path, rows=1)
    assert committed(BytesIO(log[:32])) is None
    assert committed(BytesIO(log[:31] + bytes([log[31] ^ 1]) + log[32:])) is None
