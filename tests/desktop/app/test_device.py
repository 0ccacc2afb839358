from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from scribe_desktop.app.device import bind_device, read_machine_id
from scribe_desktop.spool import Spool
from tests.parts.filled_spool import spool_in


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = spool_in(tmp_path)
    yield opened
    opened.close()


def numbered() -> Iterator[str]:
    return (f"device {number}" for number in count(1))


def test_the_device_id_stays_on_its_machine(spool: Spool) -> None:
    ids = numbered()
    assert bind_device(spool, "one", lambda: next(ids)) == "device 1"
    assert bind_device(spool, "one", lambda: next(ids)) == "device 1"


def test_a_spool_on_another_machine_gets_a_new_device_id(spool: Spool) -> None:
    ids = numbered()
    bind_device(spool, "one", lambda: next(ids))
    assert bind_device(spool, "two", lambda: next(ids)) == "device 2"
    assert bind_device(spool, "two", lambda: next(ids)) == "device 2"


def test_a_machine_without_a_name_changes_nothing(spool: Spool) -> None:
    ids = numbered()
    bind_device(spool, None, lambda: next(ids))
    assert bind_device(spool, "one", lambda: next(ids)) == "device 1"
    assert bind_device(spool, None, lambda: next(ids)) == "device 1"
    assert bind_device(spool, "two", lambda: next(ids)) == "device 2"


def test_the_machines_name_is_stored_hashed(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("0123456789abcdef\n")
    found = read_machine_id([tmp_path / "none", tmp_path / "id"])
    assert found is not None
    assert len(found) == 64
    assert "0123456789abcdef" not in found


@pytest.mark.parametrize("text", ["", "uninitialized\n"])
def test_an_empty_name_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "id").write_text(text)
    assert read_machine_id([tmp_path / "id"]) is None
