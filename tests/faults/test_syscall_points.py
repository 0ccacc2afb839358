"""Which call a crash point is, out of the record of a start."""

from random import Random

import pytest

from tests.faults.drills.crash_points import random_call

RECORD = """\
7 openat(AT_FDCWD, "/usr/lib/python3/os.py", O_RDONLY) = 3
7 openat(AT_FDCWD, "/usr/lib/python3/re.py", O_RDONLY) = 3
8 fdatasync(9) = 0
7 openat(AT_FDCWD, "/data/spool.sqlite3", O_RDWR) = 4
7 pwrite64(4, "SQLite", 6, 0) = 6
7 pwrite64(4, "SQLite", 6, 6) = 6
8 fdatasync(9) = 0
7 fdatasync(4) = 0
"""


@pytest.fixture(scope="module")
def chosen() -> set[str]:
    return {random_call(RECORD, "/data", Random(seed)) for seed in range(300)}


def test_calls_before_the_folder_is_touched_are_no_crash_points(chosen: set[str]) -> None:
    assert "openat:signal=KILL:when=3" in chosen
    assert not {f"openat:signal=KILL:when={n}" for n in (1, 2)} & chosen


def test_a_call_is_counted_in_its_own_thread_as_strace_does(chosen: set[str]) -> None:
    assert chosen == {
        "openat:signal=KILL:when=3",
        "pwrite64:signal=KILL:when=1",
        "pwrite64:signal=KILL:when=2",
        "fdatasync:signal=KILL:when=1",
        "fdatasync:signal=KILL:when=2",
    }
