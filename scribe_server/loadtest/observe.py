"""What a run costs the server: memory and CPU of its process tree, disk by kind."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from scribe_server.loadtest.report import Snapshot

_EVERY_S: Final = 1.0
KEEP_EVERY_S: Final = 5.0
_BLOCK_BYTES: Final = 512  # st_blocks counts these, stat(2)


@dataclass(frozen=True)
class Place:
    """The folders of a server: of its database, and of its segments."""

    data_dir: Path
    segments: Path


@dataclass(frozen=True)
class DiskUse:
    """Bytes that files take on the disk; the database with its -wal and -shm."""

    segments: int = 0
    database: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All three."""
        return self.segments + self.database + self.other


class Observer:
    """Looks at a server every second; `samples` holds all, `kept` one in five seconds."""

    def __init__(self, pid: int, place: Place | None, acked: Callable[[], int]) -> None:
        self.samples: list[Snapshot] = []
        self._process = psutil.Process(pid)
        self._place = place
        self._acked = acked
        self._began = time.monotonic()
        self._ended = False

    def begin(self) -> None:
        """The load begins now: times count from here, and what was seen before is forgotten."""
        self._began = time.monotonic()
        self.samples.clear()

    async def run(self) -> None:
        """Look every second until the end."""
        while not self._ended:
            await self.look()
            await asyncio.sleep(_EVERY_S)

    async def end(self) -> None:
        """The load is over: look a last time."""
        await self.look()
        self._ended = True

    async def look(self) -> None:
        """Take one sample; none when the server is gone, or the load is over."""
        try:
            sample = await asyncio.to_thread(self._snapshot)
        except psutil.Error:
            return
        if not self._ended:
            self.samples.append(sample)

    @property
    def kept(self) -> list[Snapshot]:
        """The first sample, one in five seconds, and the last."""
        kept: list[Snapshot] = []
        for sample in self.samples:
            if not kept or sample.at_s - kept[-1].at_s >= KEEP_EVERY_S - _EVERY_S / 2:
                kept.append(sample)
        if self.samples and kept[-1] is not self.samples[-1]:
            kept.append(self.samples[-1])
        return kept

    def _snapshot(self) -> Snapshot:
        rss, cpu_s = tree_load(self._process)
        disk = disk_use(self._place) if self._place is not None else None
        return Snapshot(
            at_s=round(time.monotonic() - self._began, 3),
            rss_bytes=rss,
            cpu_s=round(cpu_s, 3),
            segments_bytes=None if disk is None else disk.segments,
            database_bytes=None if disk is None else disk.database,
            other_bytes=None if disk is None else disk.other,
            acked=self._acked(),
        )


def tree_load(process: psutil.Process) -> tuple[int, float]:
    """Resident bytes and CPU seconds of a process, its descendants, and children that ended.

    Raises:
        psutil.Error: the process is gone.
    """
    rss = int(process.memory_info().rss)
    times = process.cpu_times()
    cpu_s = times.user + times.system
    cpu_s += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    for child in process.children(recursive=True):
        try:
            rss += int(child.memory_info().rss)
            times = child.cpu_times()
        except psutil.Error:  # it has ended meanwhile
            continue
        cpu_s += times.user + times.system
    return rss, cpu_s


def place_of(pid: int) -> Place | None:
    """Where a server keeps its things, by the files that it has open; None when none tell."""
    try:
        paths = [Path(file.path) for file in psutil.Process(pid).open_files()]
    except psutil.Error:
        return None
    databases = [path for path in paths if path.name.endswith(".sqlite3")]
    segments = [path for path in paths if path.suffix == ".seg"]
    if not databases:
        return None
    data_dir = databases[0].parent
    return Place(data_dir, segments[0].parent if segments else data_dir / "segments")


def disk_use(place: Place) -> DiskUse:
    """What lies in the folders, by kind."""
    segments = database = other = 0
    folders = {place.data_dir, place.segments}
    for folder in folders:
        nested = any(folder != outer and folder.is_relative_to(outer) for outer in folders)
        for path, size in () if nested else _files(folder):
            if path.suffix == ".seg":
                segments += size
            elif ".sqlite3" in path.name:
                database += size
            else:
                other += size
    return DiskUse(segments, database, other)


def _files(folder: Path) -> list[tuple[Path, int]]:
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            try:
                status = path.stat()
            except OSError:  # it was removed meanwhile
                continue
            blocks = getattr(status, "st_blocks", None)
            found.append((path, status.st_size if blocks is None else blocks * _BLOCK_BYTES))
    return found


def slope_per_hour(samples: list[tuple[float, float]]) -> float | None:
    """The least-squares slope of (seconds, value) pairs, per hour; None below two moments."""
    if len({at for at, _ in samples}) < 2:
        return None
    mean_at = sum(at for at, _ in samples) / len(samples)
    mean_value = sum(value for _, value in samples) / len(samples)
    spread = sum((at - mean_at) ** 2 for at, _ in samples)
    return 3600 * sum((at - mean_at) * (v - mean_value) for at, v in samples) / spread
