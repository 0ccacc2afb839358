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
