"""What the disk itself gives: one thread that appends chunks and waits until they are durable."""

import mmap
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.figures import Run, summary
from tests.bench.results import Column, Plot, Result, Row, Series
from tests.bench.rounds import Bench, Contestant, in_turn

CHUNK = 100_000
BATCHES = (1, 4, 16, 40)
FILE_BYTES = 1 << 30
BLOCK = 4096


@dataclass(frozen=True)
class Way:
    """How a batch gets onto the disk."""

    batch: int
    direct: bool

    @property
    def name(self) -> str:
        """Such as "O_DIRECT, batches of 40"."""
        kind = "O_DIRECT" if self.direct else "buffered"
        return f"{kind}, batches of {self.batch}" if self.batch > 1 else f"{kind}, one by one"


def append(way: Way, seconds: float, folder: Path) -> Run:
    """Append batches, each followed by fdatasync, for some seconds or until the file is full.

    O_DIRECT goes to a file whose space was allocated beforehand; buffered appending lets it grow.
    """
    file = folder / "segment"
    flags = os.O_RDWR | os.O_CREAT | (os.O_DIRECT if way.direct else 0)
    descriptor = os.open(file, flags, 0o600)
    try:
        if way.direct:
            os.posix_fallocate(descriptor, 0, FILE_BYTES)
            os.fsync(descriptor)
        return _append(descriptor, way, seconds)
    finally:
        os.close(descriptor)
        file.unlink()


def _append(descriptor: int, way: Way, seconds: float) -> Run:
    size = way.batch * CHUNK
    if way.direct:
        size = (size + BLOCK - 1) // BLOCK * BLOCK
    source = os.urandom(CHUNK)
    with mmap.mmap(-1, size) as buffer:  # aligned to a page, as O_DIRECT wants it
        cpu, began = time.process_time(), time.perf_counter()
        at = chunks = 0
        while time.perf_counter() - began < seconds and at + size <= FILE_BYTES:
            for number in range(way.batch):
                buffer[number * CHUNK : (number + 1) * CHUNK] = source
            os.pwrite(descriptor, buffer, at)
            os.fdatasync(descriptor)
            at += size
            chunks += way.batch
        took = time.perf_counter() - began
        used = time.process_time() - cpu
    return {"chunks_s": chunks / took, "cpu_us": used / chunks * 1e6}


def contestants(seconds: float, batches: tuple[int, ...] = BATCHES) -> dict[str, Contestant]:
    """Every way, by name."""
    ways = [Way(batch, direct) for direct in (True, False) for batch in batches]
    return {way.name: partial(append, way, seconds) for way in ways}


def run(bench: Bench) -> Result:
    """Measure every way."""
    seconds = bench.pick(full=1.0, quick=0.5, tiny=0.05)
    runs = in_turn(bench, contestants(seconds), bench.pick(full=3, quick=2, tiny=1))
    rows = tuple(Row(name, "limit", summary(done)) for name, done in runs.items())
    bars = tuple(
        Series(row.contestant, (value.median,), (), value.low, value.high, row.kind)
        for row in rows
        for value in [row.values["chunks_s"]]
    )
    return Result(
        "raw_disk",
        "The disk itself",
        "One thread appends chunks of 100 KB to a file, in batches, each followed by fdatasync. "
        "No network, no database, no checksums: no server can be faster.",
        (Column("chunks_s", "chunks/s"), Column("cpu_us", "CPU µs per chunk")),
        rows,
        plots=(Plot("raw-disk", "bars", "Durable appends of 100 KB", bars, "chunks/s"),),
    )
