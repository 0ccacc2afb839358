from pathlib import Path

import pytest

from scribe_desktop.capture.limit import Limit
from scribe_desktop.room import MB, RESERVE, Ballast
from scribe_desktop.spool import FailureKind, SpoolFailureError

FULL = SpoolFailureError(FailureKind.DISK_FULL, "No room.")


class Disk:
    def __init__(self, folder: Path) -> None:
        self.free = 10 * RESERVE
        self.file = folder / "ballast"
        self.limit = Limit(folder, ballast=Ballast(self.file, size=MB), free=lambda _: self.free)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_a_recording_begins_with_ballast(disk: Disk) -> None:
    disk.limit.check()
    assert disk.file.stat().st_size == MB
    assert disk.limit.reached(None) is None


def test_below_the_reserve_no_recording_begins(disk: Disk) -> None:
    disk.free = RESERVE - 1
    with pytest.raises(SpoolFailureError, match="63 MB are free") as caught:
        disk.limit.check()
    assert caught.value.kind is FailureKind.DISK_FULL


def test_at_the_reserve_a_recording_ends(disk: Disk) -> None:
    disk.limit.check()
    disk.free = RESERVE - 1
    reached = disk.limit.reached(None)
    assert reached is not None
    assert "complete" in reached.message
    assert disk.file.exists()


def test_a_full_disk_ends_the_recording_and_frees_the_ballast(disk: Disk) -> None:
    disk.limit.check()
    assert disk.limit.reached(FULL) is not None
    assert not disk.file.exists()


def test_a_disk_that_filled_up_at_once_gets_the_ballast_too(disk: Disk) -> None:
    disk.limit.check()
    disk.free = 0
    assert disk.limit.reached(None) is not None
    assert not disk.file.exists()


def test_without_ballast_the_sound_is_held_for_a_while(disk: Disk) -> None:
    assert disk.limit.reached(FULL) is None


def test_other_trouble_is_no_reason_to_end(disk: Disk) -> None:
    disk.limit.check()
    assert disk.limit.reached(SpoolFailureError(FailureKind.IO, "EIO.")) is None
    assert disk.file.exists()


def test_after_a_move_only_the_new_folder_counts(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    full = {tmp_path}
    limit = Limit(tmp_path, free=lambda folder: 0 if folder in full else 10 * RESERVE)
    assert limit.reached(None) is not None
    limit.move(tmp_path / "there")
    assert limit.reached(None) is None
    assert (tmp_path / "there" / "ballast").exists()
