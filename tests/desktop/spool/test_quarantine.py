from pathlib import Path

import pytest

from scribe_desktop.spool.quarantine import (
    FILE_NAME,
    REPORT,
    put_aside,
    quarantined,
    side_file,
    waiting,
    write_report,
)


def damaged(folder: Path) -> Path:
    path = folder / FILE_NAME
    path.write_bytes(b"the database")
    side_file(path, "-wal").write_bytes(b"its log")
    side_file(path, "-shm").write_bytes(b"its index")
    return path


def test_a_file_moves_with_everything_that_belongs_to_it(tmp_path: Path) -> None:
    path = damaged(tmp_path)

    aside = put_aside(tmp_path, lambda: 0)

    assert aside == tmp_path / "quarantine" / "19700101T000000000000" / FILE_NAME
    assert aside.read_bytes() == b"the database"
    assert side_file(aside, "-wal").read_bytes() == b"its log"
    assert side_file(aside, "-shm").read_bytes() == b"its index"
    assert not list(tmp_path.glob(f"{path.name}*"))


def test_two_files_of_the_same_moment_do_not_replace_each_other(tmp_path: Path) -> None:
    damaged(tmp_path)
    first = put_aside(tmp_path, lambda: 0)
    damaged(tmp_path)
    second = put_aside(tmp_path, lambda: 0)

    assert first != second
    assert quarantined(tmp_path) == [first, second]


def test_a_move_that_was_cut_off_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged(tmp_path)
    rename = Path.rename

    def rename_once(source: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", cut_off)
        return rename(source, target)

    def cut_off(_source: Path, _target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", rename_once)
    with pytest.raises(KeyboardInterrupt):
        put_aside(tmp_path, lambda: 0)
    monkeypatch.setattr(Path, "rename", rename)
    assert side_file(tmp_path / FILE_NAME, "-wal").exists()

    aside = put_aside(tmp_path, lambda: 1_000)

    assert quarantined(tmp_path) == [aside]
    assert side_file(aside, "-wal").read_bytes() == b"its log"
    assert side_file(aside, "-shm").read_bytes() == b"its index"


def test_a_file_waits_until_its_report_is_written(tmp_path: Path) -> None:
    damaged(tmp_path)
    aside = put_aside(tmp_path, lambda: 0)
    assert waiting(tmp_path) == [aside]

    write_report(aside, "{}")

    assert waiting(tmp_path) == []
    assert quarantined(tmp_path) == [aside]
    assert aside.with_name(REPORT).read_text(encoding="utf-8") == "{}"
