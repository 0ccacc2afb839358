import errno
import os
from pathlib import Path

import pytest

from scribe_server.store.reserve import RESERVE_BYTES, Reserve


def test_room_is_set_aside_given_up_once_and_set_aside_again(tmp_path: Path) -> None:
    reserve = Reserve([tmp_path, tmp_path])
    file = tmp_path / "reserve"
    reserve.set_aside()
    assert file.stat().st_size == RESERVE_BYTES
    assert file.stat().st_blocks * 512 >= RESERVE_BYTES
    assert reserve.give_up()
    assert not file.exists()
    assert not reserve.give_up()
    reserve.set_aside()
    assert file.stat().st_size == RESERVE_BYTES


def test_on_a_full_disk_what_is_left_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allocate = os.posix_fallocate
    room = 500_000

    def allocate_what_is_there(descriptor: int, offset: int, size: int) -> None:
        if size > room:
            raise OSError(errno.ENOSPC, "full")
        allocate(descriptor, offset, size)

    monkeypatch.setattr(os, "posix_fallocate", allocate_what_is_there)
    reserve = Reserve([tmp_path])
    reserve.set_aside()
    assert [path.name for path in tmp_path.iterdir()] == ["reserve"]
    assert (tmp_path / "reserve").stat().st_size == RESERVE_BYTES // 8
    room = RESERVE_BYTES
    reserve.set_aside()
    assert (tmp_path / "reserve").stat().st_size == RESERVE_BYTES


def test_a_disk_without_any_room_has_no_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", full)
    reserve = Reserve([tmp_path])
    reserve.set_aside()
    assert list(tmp_path.iterdir()) == []
    assert not reserve.give_up()
