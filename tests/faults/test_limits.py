"""Limits: that they take hold, and what is said where there are none to be had."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import limits
from tests.faults.drill import NotHereError, Round
from tests.faults.rig import open_descriptors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's")

OPENER = """
import sys
for line in sys.stdin:
    try:
        open("/dev/null").close()
        print("opened", flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""


@pytest.fixture
def round_(tmp_path: Path) -> Iterator[Round]:
    made = Round(tmp_path, random.Random(1), 1, quick=True)
    with made.cleanup:
        yield made


def test_a_running_program_can_be_left_without_descriptors() -> None:
    words = [sys.executable, "-c", OPENER]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:

        def told() -> str:
            assert one.stdin is not None
            assert one.stdout is not None
            print(file=one.stdin, flush=True)
            return one.stdout.readline().strip()

        assert told() == "opened"
        limits.lower_descriptors(one.pid, 0)
        assert told() == "24"  # EMFILE
        limits.restore_descriptors(one.pid)
        assert told() == "opened"
        one.kill()


def test_a_machine_without_control_groups_says_what_it_needs(
    round_: Round, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROOT", tmp_path / "nothing")
    with pytest.raises(NotHereError, match="control group"):
        limits.MemoryGroup(round_, "x")
    monkeypatch.setattr(limits, "ROOT", tmp_path)
    with pytest.raises(NotHereError, match="memory controller"):
        limits.MemoryGroup(round_, "x")


@pytest.mark.parametrize(
    ("controller", "limit", "counts", "text"),
    [
        ("memory", "memory.limit_in_bytes", "memory.oom_control", "under_oom 0\noom_kill 3\n"),
        (".", "memory.max", "memory.events", "oom 9\noom_kill 3\noom_group_kill 0\n"),
    ],
    ids=["version 1", "version 2"],
)
def test_both_versions_are_limited_and_count_their_kills(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    controller: str,
    limit: str,
    counts: str,
    text: str,
) -> None:
    (tmp_path / controller).mkdir(exist_ok=True)
    folder = tmp_path / controller / f"scribe-x-{os.getpid()}"
    monkeypatch.setattr(limits, "ROOT", tmp_path)
    make = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda path, **_: made(path))

    def made(path: Path) -> None:  # as the kernel fills a new group
        make(path)
        (path / limit).write_text("max")
        (path / counts).write_text(text)

    round_ = Round(tmp_path, random.Random(1), 1, quick=True)
    group = limits.MemoryGroup(round_, "x")
    group.limit(1 << 20)
    assert (folder / limit).read_text() == str(1 << 20)
    assert group.kills() == 3
    assert str(folder) in " ".join(group.starting())
    round_.cleanup.pop_all()


def test_descriptors_are_counted() -> None:
    before = open_descriptors(os.getpid())
    with Path(os.devnull).open():
        assert open_descriptors(os.getpid()) == before + 1
