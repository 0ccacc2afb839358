"""Less of something than a program needs: descriptors (prlimit) and memory (control groups).

Sources: prlimit(2), cgroups(7), and in the kernel's documentation "Memory Resource Controller"
and "Control Group v2".
"""

import os
import re
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.faults.drill import NotHereError, Round, must_hold
from tests.faults.rig import open_descriptors

ROOT = Path("/sys/fs/cgroup")
_NEVER_WAITED_S = 10


def lower_descriptors(pid: int, more: int) -> int:
    """Leave a running program so many descriptors more than it has open; the limit.

    Raises:
        NotHereError: that is not ours to say.
    """
    most = open_descriptors(pid) + more
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, hard))
    except PermissionError as error:
        raise NotHereError(f"needs prlimit: {error}") from error
    return most


def restore_descriptors(pid: int) -> None:
    """As many as there may be."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))


def processor_share(pid: int, seconds: float) -> float:
    """How much of one core a program uses, watched for so long."""
    process = psutil.Process(pid)
    before, began = process.cpu_times(), time.monotonic()
    time.sleep(seconds)
    after, took = process.cpu_times(), time.monotonic() - began
    return (after.user + after.system - before.user - before.system) / took


class MemoryGroup:
    """A control group, version 1 or 2, whose programs get no more memory than it says.

    Raises:
        NotHereError: none can be made.
    """

    def __init__(self, round_: Round, name: str) -> None:
        first = (ROOT / "memory").is_dir()
        self.folder = (ROOT / "memory" if first else ROOT) / f"scribe-{name}-{os.getpid()}"
        self._limit, self._kills, self._peak = (
            ("memory.limit_in_bytes", "memory.oom_control", "memory.max_usage_in_bytes")
            if first
            else ("memory.max", "memory.events", "memory.peak")
        )
        self._swap = "memory.memsw.limit_in_bytes" if first else "memory.swap.max"
        try:
            self.folder.mkdir()
        except OSError as error:
            raise NotHereError(f"needs a control group for memory: {error}") from error
        round_.cleanup.callback(self._remove)
        if not (self.folder / self._limit).exists():
            raise NotHereError("needs the control groups' memory controller")

    def limit(self, most: int) -> None:
        """Bytes that all its programs together may have from now on, without swap."""
        swap = most if "memsw" in self._swap else 0
        # Memory and swap together may never be less than memory alone; many kernels count no swap.
        with suppress(OSError):
            (self.folder / self._swap).write_text(str(swap))
        (self.folder / self._limit).write_text(str(most))
        with suppress(OSError):
            (self.folder / self._swap).write_text(str(swap))

    def starting(self, program: Sequence[str] = (sys.executable,)) -> list[str]:
        """The words that start a program in it."""
        enter = f'echo $$ > "{self.folder}/cgroup.procs"; exec "$@"'
        return ["sh", "-c", enter, "sh", *program]

    @staticmethod
    def offer(pid: int) -> None:
        """Let the kernel kill this program before any other."""
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")

    def kills(self) -> int:
        """How many programs the kernel has killed in it."""
        text = (self.folder / self._kills).read_text()
        found = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
        must_hold(found, f"no count of kills: {text}")
        assert found is not None
        return int(found[1])

    def peak(self) -> int:
        """The most bytes that were in use, with the page cache of its programs."""
        return int((self.folder / self._peak).read_text())

    def _remove(self) -> None:
        deadline = time.monotonic() + _NEVER_WAITED_S
        while True:
            try:
                self.folder.rmdir()
            except OSError:  # its last program is still ending
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return
