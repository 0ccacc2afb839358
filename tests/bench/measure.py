"""CPU time and memory of a process and all its children."""

import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import psutil


def tree(roots: Iterable[int]) -> list[psutil.Process]:
    """The processes and everything they have started and that still runs."""
    found: dict[int, psutil.Process] = {}
    for root in roots:
        process = psutil.Process(root)
        for member in (process, *process.children(recursive=True)):
            found[member.pid] = member
    return list(found.values())


def cpu_s(roots: Iterable[int]) -> float:
    """Seconds of processor time that the trees have used, with children that have ended.

    A process that ends while it is looked at is counted by its parent, which waited for it.
    """
    total = 0.0
    for process in tree(roots):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def rss_bytes(roots: Iterable[int]) -> int:
    """Resident memory of the trees; pages that several processes share are counted in each."""
    total = 0
    for process in tree(roots):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


class MemoryWatch:
    """Looks at the trees' memory every so often; `samples` are (seconds, bytes).

    The seconds are of the monotonic clock.
    """

    def __init__(self, roots: Iterable[int], *, every_s: float = 0.25) -> None:
        self.samples: list[tuple[float, int]] = []
        self._roots = list(roots)
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-watch")

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        if kind is None:
            self._look()

    @property
    def peak(self) -> int:
        """The most that was seen, in bytes."""
        return max(size for _, size in self.samples)

    def _look(self) -> None:
        self.samples.append((time.monotonic(), rss_bytes(self._roots)))

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._look()
            except psutil.NoSuchProcess:
                return
