from pathlib import Path

import pytest

from scribe_desktop.errors import SpoolError
from scribe_desktop.spool import SpoolLock
from scribe_desktop.spool.lock import SpoolUse


def test_a_second_owner_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "data" / "owner.lock"
    second = SpoolLock.acquire(path)
    with SpoolLock.acquire(path), pytest.raises(SpoolError, match="already open"), second:
        pytest.fail("two owners")

    with SpoolLock.acquire(path):
        assert path.stat().st_mode & 0o777 == 0o600


def test_whether_somebody_holds_it_can_be_asked_without_making_anything(tmp_path: Path) -> None:
    path = tmp_path / "data" / "owner.lock"
    assert not SpoolLock.is_held(path)
    assert list(tmp_path.iterdir()) == []
    with SpoolLock.acquire(path):
        assert SpoolLock.is_held(path)
    assert not SpoolLock.is_held(path)


def test_a_lock_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError), SpoolLock.acquire(tmp_path / "file" / "lock"):
        pytest.fail("a lock below a file")


def test_only_the_first_user_of_a_file_is_alone(tmp_path: Path) -> None:
    first = SpoolUse(tmp_path / "in-use")
    first.share()
    second = SpoolUse(tmp_path / "in-use")
    second.share()
    first.end()
    first.end()
    third = SpoolUse(tmp_path / "in-use")
    assert (first.alone, second.alone, third.alone) == (True, False, False)
    for use in (second, third):
        use.end()
    last = SpoolUse(tmp_path / "in-use")
    assert last.alone
    last.end()
