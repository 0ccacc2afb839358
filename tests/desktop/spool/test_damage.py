import sqlite3
from pathlib import Path

import pytest

from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError, damage
from scribe_desktop.spool.damage import is_damaged, mark_suspect, unmark_suspect
from scribe_desktop.spool.quarantine import FILE_NAME
from tests.parts.damaging import overwrite_page, root_page
from tests.parts.filled_spool import add_session, session_id_of


def connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=0)


def filled(folder: Path) -> Path:
    spool = Spool.open(folder)
    add_session(spool, session_id_of(1), chunks=3)
    spool.close()
    return folder / FILE_NAME


def test_a_whole_file_is_not_damaged(tmp_path: Path) -> None:
    assert not is_damaged(filled(tmp_path), connect)


def test_a_file_that_was_never_made_is_not_damaged(tmp_path: Path) -> None:
    assert not is_damaged(tmp_path / FILE_NAME, connect)


def test_a_log_without_its_file_is_damage(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"left over")
    assert is_damaged(tmp_path / FILE_NAME, connect)


def test_a_file_cut_in_half_is_damaged(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    assert is_damaged(path, connect)


@pytest.mark.parametrize("table", ["chunks_unsent", "audio", "sqlite_autoindex_chunks_1"])
def test_a_page_of_other_bytes_is_damage(tmp_path: Path, table: str) -> None:
    path = filled(tmp_path)
    overwrite_page(path, root_page(path, table))
    assert is_damaged(path, connect)


def test_a_disk_that_failed_once_is_no_damage(tmp_path: Path) -> None:
    path = filled(tmp_path / "whole")
    damaged = filled(tmp_path / "damaged")
    overwrite_page(damaged, root_page(damaged, "audio"))
    shown = [damaged.as_uri(), path.as_uri()]

    assert not is_damaged(path, lambda _uri: connect(shown.pop(0)))
    assert shown == []


def test_a_schema_without_one_of_our_tables_is_damaged(tmp_path: Path) -> None:
    path = filled(tmp_path)
    with connect(path.as_uri()) as connection:
        connection.execute("DROP TABLE markers")
    assert is_damaged(path, connect)


def test_a_schema_that_does_not_parse_is_damaged(tmp_path: Path) -> None:
    path = filled(tmp_path)
    connection = connect(path.as_uri())
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = 'CREATE nonsense' WHERE name = 'gaps'")
    connection.commit()
    connection.close()
    assert is_damaged(path, connect)


def test_a_long_file_is_read_as_a_whole_only_when_damage_was_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "ALWAYS_WHOLE", 0)
    path = filled(tmp_path)
    overwrite_page(path, root_page(path, "chunks_unsent"))

    assert not is_damaged(path, connect)
    mark_suspect(tmp_path)
    assert is_damaged(path, connect)
    unmark_suspect(tmp_path)
    assert not is_damaged(path, connect)


def test_a_file_that_another_program_has_locked_is_not_called_damaged(tmp_path: Path) -> None:
    path = filled(tmp_path)
    other = connect(path.as_uri())
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(SpoolFailureError) as refused:
        is_damaged(path, connect)

    assert refused.value.kind is FailureKind.LOCKED
