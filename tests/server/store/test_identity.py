import errno
import os
import uuid
from pathlib import Path

import pytest

from scribe_server.errors import StartupError
from scribe_server.store.identity import load_or_create_server_id, write_private


def test_a_server_gets_an_id_once(tmp_path: Path) -> None:
    first = load_or_create_server_id(tmp_path)
    assert str(uuid.UUID(first)) == first
    assert load_or_create_server_id(tmp_path) == first


def test_a_damaged_id_is_refused_instead_of_replaced(tmp_path: Path) -> None:
    load_or_create_server_id(tmp_path)
    (tmp_path / "keys" / "server-id").write_bytes(b"\xff\x00")
    with pytest.raises(StartupError, match="damaged"):
        load_or_create_server_id(tmp_path)


def test_a_private_file_is_whole_and_its_owners_only(tmp_path: Path) -> None:
    write_private(tmp_path / "f", b"one")
    write_private(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"two"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_private_file_for_which_there_is_no_room_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    write_private(tmp_path / "f", b"one")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        write_private(tmp_path / "f", b"two")
    assert (tmp_path / "f").read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
