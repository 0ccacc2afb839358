import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scribe_server.store import direct
from scribe_server.store.direct import AREA_BYTES, DirectFiles, files_for
from scribe_server.store.files import Files
from scribe_server.store.records import BLOCK_BYTES


def write(path: Path, buffers: list[bytes], offset: int = 0) -> None:
    files = DirectFiles()
    descriptor = files.open_log(path)
    try:
        files.write(descriptor, buffers, offset)
    finally:
        files.close(descriptor)


def test_buffers_of_any_length_are_written_as_whole_blocks(tmp_path: Path) -> None:
    one, two = os.urandom(5000), os.urandom(3 * BLOCK_BYTES - 5000)
    write(tmp_path / "log", [one, b"", two], BLOCK_BYTES)
    assert (tmp_path / "log").read_bytes() == bytes(BLOCK_BYTES) + one + two


def test_a_batch_larger_than_the_area_is_written_piece_by_piece(tmp_path: Path) -> None:
    big, small = os.urandom(AREA_BYTES + 1000), os.urandom(AREA_BYTES - 1000)
    write(tmp_path / "log", [big, small])
    assert (tmp_path / "log").read_bytes() == big + small


def test_the_file_bypasses_the_page_cache_and_is_for_its_owner_only(tmp_path: Path) -> None:
    files = DirectFiles()
    descriptor = files.open_log(tmp_path / "log")
    with pytest.raises(OSError, match="Invalid argument"):
        os.write(descriptor, b"not a block")
    files.close(descriptor)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_write_that_the_system_takes_in_parts_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.pwrite
    calls = []

    def one_block(descriptor: int, data: memoryview, offset: int) -> int:
        calls.append(offset)
        return really(descriptor, data[:BLOCK_BYTES], offset)

    monkeypatch.setattr(os, "pwrite", one_block)
    data = os.urandom(3 * BLOCK_BYTES)
    write(tmp_path / "log", [data])
    assert (tmp_path / "log").read_bytes() == data
    assert calls == [0, BLOCK_BYTES, 2 * BLOCK_BYTES]


def test_half_a_block_fails_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", lambda *_: BLOCK_BYTES + 512)
    with pytest.raises(OSError, match="a part of a block"):
        write(tmp_path / "log", [bytes(2 * BLOCK_BYTES)])


def test_a_file_system_that_takes_it_is_written_directly(tmp_path: Path) -> None:
    # The folder of the tests may lie in memory, where some kernels refuse it.
    assert files_for(tmp_path).engine in {"direct", "buffered"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP])
def test_a_file_system_without_it_is_written_through_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_files: DirectFiles, _path: Path) -> int:
        raise OSError(number, "no")

    monkeypatch.setattr(DirectFiles, "open_log", refuse)
    assert type(files_for(tmp_path)) is Files


def test_a_system_without_it_is_written_through_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(direct.os, "O_DIRECT")
    assert type(files_for(tmp_path)) is Files


def failing(number: int) -> Callable[..., int]:
    def write(*_: object) -> int:
        raise OSError(number, errno.errorcode[number])

    return write


def test_a_full_disk_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pwrite", failing(errno.ENOSPC))
    assert files_for(tmp_path).engine in {"direct", "buffered"}
    assert list(tmp_path.iterdir()) == []


def test_a_failing_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DirectFiles, "open_log", Files.open_log)
    monkeypatch.setattr(os, "pwrite", failing(errno.EIO))
    with pytest.raises(OSError, match="EIO"):
        files_for(tmp_path)
    assert list(tmp_path.iterdir()) == []
