"""Whether a write-ahead log is damaged before its end, which SQLite does not say.

SQLite reads a log up to the first frame whose checksum is wrong and takes that for the end, because
a crash leaves such an end. But each commit is on the disk before the next one begins (synchronous
is FULL), so a crash leaves one commit at most behind that frame; and the header is synced before
any frame. Anything else means that what was durable has been damaged. Format:
sqlite.org/fileformat2.html, section 4, and sqlite.org/walformat.html.
"""

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from scribe_desktop.spool.quarantine import side_file

_ORDER_BY_MAGIC: Final = {0x377F0682: "<", 0x377F0683: ">"}
_HEADER: Final = struct.Struct(">4I2I2I")
_SUMMED_BYTES: Final = 24
_FRAME: Final = struct.Struct(">2I2I2I")
_SHORTEST_FRAME: Final = _FRAME.size + 512
_VALID_FRAMES: Final = struct.Struct("=16xI")
"""The beginning of the WAL index: how many frames count, in the order of bytes of this computer."""
_MOST_AFTER_A_CRASH: Final = 1


def is_log_broken(path: Path) -> bool:
    """Whether commits that were durable lie behind a damaged place of the log.

    The log is left as it is. Nobody else may have the database open in this process: closing a
    descriptor of its files drops SQLite's locks.

    Args:
        path: the database, which must begin as one: SQLite deletes the log beside any other file.
            One that cannot be opened is damaged in another way: False.

    Raises:
        OSError: the log cannot be read.
    """
    log = side_file(path, "-wal")
    if not log.exists() or log.stat().st_size < _HEADER.size + _SHORTEST_FRAME:
        return False
    with log.open("rb") as file:
        header = file.read(_HEADER.size)
        if not _holds(header):
            return True
        valid = _valid_frames(path)
        if valid is None:
            return False
        commits = sum(1 for _ in _commits(file, header, valid))
    return commits > _MOST_AFTER_A_CRASH


def _holds(header: bytes) -> bool:
    """Whether the header's checksum is right (section 4.2)."""
    order = _ORDER_BY_MAGIC.get(_HEADER.unpack(header)[0])
    if order is None:
        return False
    first = second = 0
    for even, odd in struct.iter_unpack(f"{order}2I", header[:_SUMMED_BYTES]):
        first = (first + even + second) & 0xFFFF_FFFF
        second = (second + odd + first) & 0xFFFF_FFFF
    return (first, second) == _HEADER.unpack(header)[-2:]


def _valid_frames(path: Path) -> int | None:
    """How many frames of the log SQLite reads; a connection that cannot write keeps the log."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        with closing(connection):
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            with side_file(path, "-shm").open("rb") as index:
                begin = index.read(_VALID_FRAMES.size)
    except (sqlite3.Error, OSError):
        return None
    return int(_VALID_FRAMES.unpack(begin)[0]) if len(begin) == _VALID_FRAMES.size else None


def _commits(log: BinaryIO, header: bytes, number: int) -> Iterator[int]:
    """The frames, from a number on, that end a commit of the log with this header."""
    _, _, page_size, _, *salts = _HEADER.unpack(header)[:6]
    while True:
        log.seek(_HEADER.size + number * (_FRAME.size + page_size))
        head = log.read(_FRAME.size)
        if len(head) < _FRAME.size:
            return
        _, pages, *frame_salts = _FRAME.unpack(head)[:4]
        if pages and frame_salts == salts:
            yield number
        number += 1
