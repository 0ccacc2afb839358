import stat
from pathlib import Path

import pytest

from scribe_desktop.errors import ScribeError
from scribe_desktop.paths import MAX_SOCKET_PATH, Paths, resolve_paths


def test_scribe_home_puts_everything_below_one_folder(tmp_path: Path) -> None:
    paths = resolve_paths({"SCRIBE_HOME": str(tmp_path), "XDG_RUNTIME_DIR": "/run/user/1"})
    inside = (
        paths.config_dir, paths.spool_dir, paths.journal_dir, paths.server_dir, paths.export_dir,
        paths.runtime_dir, paths.log_dir, paths.owner_lock, paths.settings_file,
    )  # fmt: skip
    assert all(path.is_relative_to(tmp_path) for path in inside)


def test_without_a_home_the_runtime_folder_of_the_session_holds_the_socket() -> None:
    paths = resolve_paths({"XDG_RUNTIME_DIR": "/run/user/7"})
    assert paths.control_socket == Path("/run/user/7/scribe/control.sock")
    assert paths.spool_dir.name == "spool"


def test_without_a_runtime_folder_the_data_folder_takes_its_place() -> None:
    paths = resolve_paths({})
    assert paths.runtime_dir.parent == paths.data_dir


def test_a_long_home_gets_its_socket_in_a_short_folder_of_its_own(tmp_path: Path) -> None:
    one = resolve_paths({"SCRIBE_HOME": str(tmp_path / ("a" * 120))})
    other = resolve_paths({"SCRIBE_HOME": str(tmp_path / ("b" * 120))})
    assert len(str(one.control_socket)) <= MAX_SOCKET_PATH
    assert one.control_socket != other.control_socket


def test_folders_are_made_for_their_owner_only(tmp_path: Path) -> None:
    paths = resolve_paths({"SCRIBE_HOME": str(tmp_path / "home")})
    paths.ensure()
    for folder in (paths.spool_dir, paths.journal_dir, paths.runtime_dir, paths.log_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_others_can_read_is_closed(tmp_path: Path) -> None:
    paths = resolve_paths({"SCRIBE_HOME": str(tmp_path)})
    paths.data_dir.mkdir(mode=0o755)
    paths.ensure()
    assert stat.S_IMODE(paths.data_dir.stat().st_mode) == 0o700


def test_a_file_in_the_way_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(ScribeError, match="SCRIBE_HOME"):
        resolve_paths({"SCRIBE_HOME": str(tmp_path)}).ensure()


def test_a_resource_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScribeError, match=r"no-such\.file"):
        Paths(tmp_path, tmp_path, tmp_path, tmp_path).resource("no-such.file")


def test_the_icons_are_found(tmp_path: Path) -> None:
    assert Paths(tmp_path, tmp_path, tmp_path, tmp_path).resource("icons").is_dir()
