from pathlib import Path

from scribe_desktop.room import free_bytes


def test_a_folder_that_is_not_there_yet_has_the_room_of_where_it_would_be(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
    assert free_bytes(tmp_path / "one" / "two") > 0


def test_below_a_file_there_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert free_bytes(tmp_path / "file" / "folder") == 0
