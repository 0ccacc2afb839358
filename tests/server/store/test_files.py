import os
from pathlib import Path

import pytest

from scribe_server.store import files as module
from scribe_server.store.files import Files


def test_all_buffers_are_written_in_order_at_the_offset(tmp_path: Path) -> None:
    files = Files()
    descriptor = files.open(tmp_path / "f")
    files.write(descriptor, [b"abc", b"", b"de"], 2)
    files.write(descriptor, [bytes([n % 256]) for n in range(2500)], 7)
    files.close(descriptor)
    content = (tmp_path / "f").read_bytes()
    assert content == b"\0\0abcde" + bytes(n % 256 for n in range(2500))


def test_a_write_that_the_system_takes_in_parts_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def writing_five_bytes(descriptor: int, buffers: list[bytes]) -> int:
        calls.append(len(buffers))
        return os.write(descriptor, b"".join(bytes(part) for part in buffers)[:5])

    monkeypatch.setattr(os, "writev", writing_five_bytes)
    files = Files()
    descriptor = files.open(tmp_path / "f")
    files.write(descriptor, [b"abc", b"defgh", b"ij", b"klm"], 0)
    files.close(descriptor)
    assert (tmp_path / "f").read_bytes() == b"abcdefghijklm"
    assert len(calls) == 3


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    files = Files()
    files.close(files.open(tmp_path / "f"))
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("holes", [True, False])
def test_a_wiped_stretch_is_zero_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holes: bool
) -> None:
    if not holes:
        monkeypatch.setattr(module, "_punch", lambda *_: False)
    files = Files()
    descriptor = files.open(tmp_path / "f")
    files.write(descriptor, [b"x" * 3_000_000], 0)
    files.wipe(descriptor, 10, 2_500_000)
    files.wipe(descriptor, 5, 0)
    files.close(descriptor)
    content = (tmp_path / "f").read_bytes()
    assert content == b"x" * 10 + bytes(2_500_000) + b"x" * 499_990


def test_settling_and_syncing_keep_the_bytes(tmp_path: Path) -> None:
    files = Files()
    descriptor = files.open(tmp_path / "f")
    files.write(descriptor, [b"abcdef"], 0)
    files.truncate(descriptor, 4)
    files.sync(descriptor)
    files.settle(descriptor)
    files.sync_folder(tmp_path)
    files.close(descriptor)
    assert (tmp_path / "f").read_bytes() == b"abcd"
