import errno
from pathlib import Path

import pytest

from scribe_server.store.archives.folder import UNFINISHED, FolderPlace
from scribe_server.store.errors import StorageFailedError, StorageFullError
from tests.parts.store import FaultyFiles

KEY = "1/a.zip"


def test_an_archive_is_synced_then_renamed_then_its_folder_is_synced(tmp_path: Path) -> None:
    class Noting(FaultyFiles):
        def sync(self, descriptor: int) -> None:
            assert not (folder / KEY).exists()
            super().sync(descriptor)

    folder, files = tmp_path / "archives", Noting()
    with FolderPlace(folder, files).put(KEY) as sink:
        sink.write(b"x")
        files.diary.append("written")
    # Two new folders, whose names are made durable, too.
    assert files.diary == ["sync_folder", "sync_folder", "written", "sync", "sync_folder"]


def test_only_the_servers_user_can_read_an_archive(tmp_path: Path) -> None:
    with FolderPlace(tmp_path / "a").put(KEY) as sink:
        sink.write(b"x")
    path = tmp_path / "a" / KEY
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, StorageFullError), (errno.EIO, StorageFailedError)]
)
def test_a_disk_that_fails_leaves_nothing_behind(
    tmp_path: Path, number: int, kind: type[Exception]
) -> None:
    files = FaultyFiles()
    files.fail["sync"] = number
    with pytest.raises(kind), FolderPlace(tmp_path, files).put(KEY) as sink:
        sink.write(b"x")
    assert files.fired == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_crash_left_half_written_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / f"a.zip{UNFINISHED}").write_bytes(b"half")
    assert list(FolderPlace(tmp_path).keys()) == []
    FolderPlace(tmp_path).delete("1/a.zip")
    assert list((tmp_path / "1").iterdir()) == []


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"in the way")
    with pytest.raises(StorageFailedError), FolderPlace(tmp_path).put(KEY):
        pass
    assert FolderPlace(tmp_path).size(KEY) is None
