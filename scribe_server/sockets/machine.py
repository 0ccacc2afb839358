"""How much memory and disk there is: facts from the operating system."""

import ctypes
import functools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psutil

from scribe_server.backpressure import Load

_UNLIMITED: Final = 1 << 60
"""Control groups of version 1 write a number near 2**63 for "no limit"."""


class Machine:
    """Reads the process tree's memory and the free space of one folder's disk."""

    def __init__(
        self,
        folder: Path,
        *,
        proc: Path = Path("/proc"),
        control_groups: Path = Path("/sys/fs/cgroup"),
    ) -> None:
        self._folder = folder
        self._process = psutil.Process()
        total = int(psutil.virtual_memory().total)
        self.memory_limit = min(total, control_group_limit(proc, control_groups) or total)

    def load(self, oldest_wait_s: float) -> Load:
        """Measure now; takes some milliseconds, so off the event loop."""
        memory = psutil.virtual_memory()
        disk = shutil.disk_usage(self._folder)
        return Load(
            memory_used=self._tree_memory(),
            memory_available=int(memory.available),
            memory_total=int(memory.total),
            disk_free=disk.free,
            disk_total=disk.total,
            oldest_wait_s=oldest_wait_s,
        )

    def give_back(self) -> None:
        """Give free memory of this process back to the system, where the C library can."""
        trim = _malloc_trim()
        if trim is not None:
            trim(0)

    def own_memory(self) -> int:
        """Bytes of memory that this process holds."""
        return int(self._process.memory_info().rss)

    def _tree_memory(self) -> int:
        used = self.own_memory()
        for child in self._process.children(recursive=True):
            try:
                used += int(child.memory_info().rss)
            except psutil.Error:  # it has ended, and uses nothing
                continue
        return used


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    """malloc_trim(3) of glibc; None with another C library."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


def control_group_limit(proc: Path, control_groups: Path) -> int | None:
    """The tightest memory limit of this process's control groups, version 1 or 2, in bytes.

    Source: cgroups(7), "The /proc/pid/cgroup file". In a container the path that the kernel names
    may lie outside of what is mounted, so the mount's own root is looked at too.
    """
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return None
    limits: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            limits += _limits(control_groups, path, "memory.max")
        elif "memory" in controllers.split(","):
            limits += _limits(control_groups / "memory", path, "memory.limit_in_bytes")
    return min(limits, default=None)


def _limits(root: Path, path: str, name: str) -> list[int]:
    folder = root / path.lstrip("/")
    found = []
    for place in [folder, *folder.parents]:
        if not place.is_relative_to(root):
            break
        try:
            text = (place / name).read_text(encoding="ascii").strip()
        except OSError:  # no such group here, or none that limits memory
            continue
        if text.isdigit() and int(text) < _UNLIMITED:
            found.append(int(text))
    return found
