"""Torn writes: what a disk that loses power makes of writes that nobody has synced yet.

Only these may tear: what was written to a file after its last sync, and the write at whose entry
the program was killed. What they would have written is in strace's record.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType

from tests.faults.strace import calls

SECTOR = 512
WORDS = ("-y", "-xx", "-s", "100000000")
"""For strace: files by name, every byte, in full."""
NOTHING: Mapping[str, bytes] = MappingProxyType({})
TRACE = "pwrite64,write,fdatasync,fsync"

_FILE = re.compile(r"\d+<(?P<path>[^>]*)>")
_PLACED = re.compile(r'\d+<[^>]*>, "(?P<data>[^"]*)", \d+, (?P<offset>\d+)')
_APPENDED = re.compile(r'\d+<[^>]*>, "(?P<data>[^"]*)", \d+')


@dataclass(frozen=True)
class Write:
    """Bytes that a program gave to the system and that no sync has made durable.

    Attributes:
        path: of the file.
        offset: in the file; None: at its end.
        data: the bytes.
        done: whether the system had taken them, else the program was killed before.
    """

    path: str
    offset: int | None
    data: bytes
    done: bool


def unsynced(record: str) -> list[Write]:
    """The writes of a record that nothing has made durable, in the order of their end. Pure.

    Args:
        record: of TRACE with WORDS.
    """
    left: list[tuple[int, Write]] = []
    for call in calls(record):
        path = _path(call.arguments)
        if call.name in {"fdatasync", "fsync"}:
            if call.result == 0:
                began = call.order[0]
                left = [(end, w) for end, w in left if w.path != path or end > began]
        elif (write := _write(path, call.name, call.arguments, call.result)) is not None:
            left.append((call.order[1], write))
    return [write for _, write in left]


def _path(arguments: str) -> str:
    found = _FILE.match(arguments)
    return "" if found is None else _bytes(found["path"]).decode(errors="replace")


def _write(path: str, name: str, arguments: str, result: int | None) -> Write | None:
    found = (_PLACED if name == "pwrite64" else _APPENDED).match(arguments)
    if found is None or (result is not None and result < 0):
        return None
    data = _bytes(found["data"])
    offset = int(found["offset"]) if name == "pwrite64" else None
    return Write(path, offset, data if result is None else data[:result], result is not None)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass(frozen=True)
class Piece:
    """Bytes that the disk has instead: at an offset in the write."""

    offset: int
    data: bytes


def tear(write: Write, rng: Random, old: bytes | None = None) -> list[Piece]:
    """What becomes of a write: none of it, a part, sectors here and there, or rubbish. Pure.

    Args:
        write: what was written.
        rng: chance.
        old: what was there before, where the file has no checksums: each sector is then the old
            or the new one. SQLite relies on it for the database itself, whose first page would
            else be no database.
    """
    if old is not None:
        return _sectors(old.ljust(len(write.data), b"\0") if write.done else write.data, rng)
    size = len(write.data)
    cut = rng.randrange(size + 1)
    if write.done:
        return rng.choice([[], [Piece(cut, rng.randbytes(size - cut))], _rubbish(write, rng)])
    kept = Piece(0, write.data[:cut])
    return rng.choice(
        [[kept], [kept, Piece(cut, rng.randbytes(size - cut))], _sectors(write.data, rng)]
    )


def _sectors(data: bytes, rng: Random) -> list[Piece]:
    starts = range(0, len(data), SECTOR)
    return [Piece(at, data[at : at + SECTOR]) for at in starts if rng.random() < 0.5]


def _rubbish(write: Write, rng: Random) -> list[Piece]:
    return [Piece(p.offset, rng.randbytes(len(p.data))) for p in _sectors(write.data, rng)]


def apply(writes: Sequence[Write], rng: Random, old: Mapping[str, bytes] = NOTHING) -> int:
    """Tear the writes in their files; how many bytes were written.

    Args:
        writes: as `unsynced` gives them.
        rng: chance.
        old: what files without checksums held before all of these writes, by path.
    """
    changed = 0
    for write in writes:
        path = Path(write.path)
        if not path.is_file():
            continue
        descriptor = os.open(path, os.O_WRONLY)
        try:
            size = os.fstat(descriptor).st_size
            end = size - len(write.data) if write.done else size
            start = end if write.offset is None else write.offset
            before = old.get(write.path)
            if before is not None:
                before = before[start : start + len(write.data)]
            for piece in tear(write, rng, before):
                changed += os.pwrite(descriptor, piece.data, start + piece.offset)
        finally:
            os.close(descriptor)
    return changed
