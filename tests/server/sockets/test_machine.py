import platform
from pathlib import Path

import psutil
import pytest

from scribe_server.sockets.machine import Machine, control_group_limit


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def test_the_tightest_limit_of_version_2_groups_counts(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/a/b\n")
    write(tmp_path / "cg/a/memory.max", "1000\n")
    write(tmp_path / "cg/a/b/memory.max", "max\n")
    assert control_group_limit(tmp_path / "proc", tmp_path / "cg") == 1000


def test_version_1_groups_are_found_below_the_memory_controller(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "5:cpu:/\n4:hugetlb,memory:/x\n0::/\n")
    write(tmp_path / "cg/memory/memory.limit_in_bytes", "9223372036854771712\n")
    write(tmp_path / "cg/memory/x/memory.limit_in_bytes", "2000\n")
    assert control_group_limit(tmp_path / "proc", tmp_path / "cg") == 2000


def test_in_a_container_the_mounts_root_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/outside/of/the/mount\n")
    write(tmp_path / "cg/memory.max", "3000\n")
    assert control_group_limit(tmp_path / "proc", tmp_path / "cg") == 3000


@pytest.mark.parametrize("text", [None, "0::/\n"])
def test_without_a_limit_there_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        write(tmp_path / "proc/self/cgroup", text)
    assert control_group_limit(tmp_path / "proc", tmp_path / "cg") is None


def test_the_machine_is_measured(tmp_path: Path) -> None:
    machine = Machine(tmp_path, proc=tmp_path)
    load = machine.load(oldest_wait_s=1.5)
    assert machine.memory_limit == psutil.virtual_memory().total == load.memory_total
    assert 0 < load.memory_used < load.memory_total
    assert 0 < load.disk_free <= load.disk_total
    assert load.oldest_wait_s == 1.5


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_was_freed_is_given_back(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    blocks = [b"x" * 100_000 for _ in range(400)]
    last = blocks.pop()  # the end of the heap stays in use, so that nothing goes by itself
    blocks.clear()
    before = machine.own_memory()
    machine.give_back()
    assert before - machine.own_memory() > 20_000_000
    assert len(last) == 100_000
