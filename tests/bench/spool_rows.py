"""The client's queue with a million chunks waiting: opening, asking, acknowledging."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from scribe_desktop.model import Chunk
from scribe_desktop.spool import Spool
from tests.bench.figures import Spread, spread
from tests.bench.results import Column, Figure, Goal, Result, Row
from tests.bench.rounds import Bench
from tests.parts.filled_spool import FULL_CHUNK, session_id_of

PER_SESSION: Final = 120
SIZE: Final = 200
"""Bytes per chunk, so that a million fits on the disk; the audio's table is not touched anyway."""
OPEN: Final = Goal("6d", "Spool: open + first unsent chunk, many rows, warm", "<=", 5, "ms")
COLD: Final = """\
import sys, time
began = time.perf_counter()
from pathlib import Path
from scribe_desktop.spool import Spool
imported = time.perf_counter()
chunks = Spool.open(Path(sys.argv[1])).next_unsent(1)
assert len(chunks) == 1
print((time.perf_counter() - began) * 1e3, (imported - began) * 1e3)
"""
WHAT: Final = """\
A spool in which this many chunks wait for the server, in sessions of one hour each, as if nobody
had been online for a year. Opening includes the look for damage and the check of the schema. Warm
means: the libraries are imported and the file's pages are in the system's cache."""


def fill(folder: Path, count: int) -> None:
    """Make a spool with `count` unsent chunks; quickly, so not through its own methods."""
    data = bytes(SIZE)
    sha256 = hashlib.sha256(data).hexdigest()
    with closing(Spool.open(folder)) as spool:
        connection = spool._db.conn
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO sessions (session_id, title, source, started_at, timezone, channels,"
            " bitrate, device, ended_at) VALUES (?, 'A meeting', 'mic', ?, 'UTC', 1, 32000, '', ?)",
            (
                (session_id_of(number), number * 3_600_000, (number + 1) * 3_600_000)
                for number in range(-(-count // PER_SESSION))
            ),
        )
        connection.executemany(
            "INSERT INTO chunks (session, sequence, first_sample, samples, sha256, size,"
            " started_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (1 + number // PER_SESSION, place, place * FULL_CHUNK, FULL_CHUNK, sha256, SIZE, 0)
                for number in range(count)
                for place in [number % PER_SESSION]
            ),
        )
        connection.executemany(
            "INSERT INTO audio (chunk, data) VALUES (?, ?)",
            ((number + 1, data) for number in range(count)),
        )
        connection.execute("COMMIT")


def open_and_look(folder: Path) -> list[Chunk]:
    """What the sync thread does first."""
    with closing(Spool.open(folder)) as spool:
        return spool.next_unsent(1)


def acknowledge_first(spool: Spool) -> None:
    """Note that the server has the first chunk that waits."""
    chunk = spool.next_unsent(1)[0]
    assert spool.mark_acked(chunk.session_id, chunk.sequence, sha256=chunk.sha256, acked_at=1)


def cold(folder: Path) -> tuple[float, float]:
    """A fresh interpreter: ms from its first line to the first chunk, and of that for imports."""
    command = [sys.executable, "-c", COLD, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    whole, imports = map(float, done.stdout.split())
    return whole, imports


def timed(action: Callable[[], object], times: int) -> Spread:
    """How long (ms) it takes, over and over."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append((time.perf_counter() - began) * 1e3)
    return spread(taken)


def measure(folder: Path, times: int) -> dict[str, Spread]:
    """Every operation on a filled spool, by name."""
    open_and_look(folder)
    found = {"open + first unsent chunk + close, warm": timed(lambda: open_and_look(folder), times)}
    with closing(Spool.open(folder)) as spool:
        sending = spool.next_unsent(1)[0]
        key = sending.session_id, sending.sequence
        found |= {
            "the next 8 chunks to send": timed(lambda: spool.next_unsent(8), times),
            "one chunk's bytes, compared with its SHA-256": timed(
                lambda: spool.chunk_data(*key), times
            ),
            "count what waits": timed(spool.pending, times),
            "find and acknowledge one chunk (durable)": timed(
                lambda: acknowledge_first(spool), times
            ),
        }
    starts = [cold(folder) for _ in range(max(1, times // 10))]
    found["open + first unsent chunk, new process"] = spread([whole for whole, _ in starts])
    found["of that: importing the libraries"] = spread([imports for _, imports in starts])
    return found


def run(bench: Bench) -> Result:
    """Fill a spool and measure."""
    count = bench.pick(full=1_000_000, quick=1_000_000, tiny=300)
    folder = bench.folder / "spool"
    fill(folder, count)
    found = measure(folder, bench.pick(full=50, quick=20, tiny=2))
    for name, value in found.items():
        bench.say(f"  {name}: {value.median:.3f} ms")
    return Result(
        "spool_rows",
        f"The client's queue: {count:,} chunks waiting".replace(",", " "),
        WHAT,
        (Column("ms", "ms", 3),),
        tuple(Row(name, "ours", {"ms": value}) for name, value in found.items()),
        (Figure(OPEN, next(iter(found.values()))),),
    )
