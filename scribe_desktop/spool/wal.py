"""A database put together from its file and its write-ahead log, without SQLite's help.

SQLite drops a log beside a file that is empty or does not begin as a database, although the log may
hold every page. The format is that of sqlite.org/fileformat2.html, section 4: a header of 32 bytes,
then frames of 24 bytes and a page each; a frame counts when its salts are the header's, when the
checksum that runs through all frames is right, and when a commit follows.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_MAGIC: Final = {0x377F0682: "<", 0x377F0683: ">"}
_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_LONGEST_PAGE: Final = 65_536
_U32: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Committed:
    """What a log says of its database.

    Attributes:
        page_size: bytes.
        pages: how many pages the database has after the last commit.
        places: page number → where its newest committed content begins in the log.
    """

    page_size: int
    pages: int
    places: dict[int, int]


def committed(log: BinaryIO) -> Committed | None:
    """What was committed to a log; None when it holds no commit, or is no log."""
    header = log.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, _, page_size, _, *salts_and_sum = _HEADER.unpack(header)
    order = _MAGIC.get(magic)
    if order is None or not _is_page_size(page_size):
        return None
    salts, told = salts_and_sum[:2], tuple(salts_and_sum[2:])
    running = _checksum(order, header[:24], (0, 0))
    if running != told:
        return None
    return _last_commit(log, page_size, order, salts, running)


def rebuild(file: BinaryIO, log: BinaryIO, found: Committed, target: BinaryIO) -> None:
    """Write the database: the log's pages, the file's where the log has none, zeros elsewhere."""
    for number in range(1, found.pages + 1):
        place = found.places.get(number)
        source, where = (file, (number - 1) * found.page_size) if place is None else (log, place)
        source.seek(where)
        target.write(source.read(found.page_size).ljust(found.page_size, b"\0"))


def _last_commit(
    log: BinaryIO, page_size: int, order: str, salts: list[int], running: tuple[int, int]
) -> Committed | None:
    places: dict[int, int] = {}
    waiting: dict[int, int] = {}
    pages = 0
    for place, number, commit in _frames(log, page_size, order, salts, running):
        waiting[number] = place
        if commit:
            places |= waiting
            waiting.clear()
            pages = commit
    return Committed(page_size, pages, places) if pages else None


def _frames(
    log: BinaryIO, page_size: int, order: str, salts: list[int], running: tuple[int, int]
) -> Iterator[tuple[int, int, int]]:
    """Each valid frame: where its page begins, the page's number, the database's size or 0."""
    place = _HEADER.size
    while len(frame := log.read(_FRAME.size + page_size)) == _FRAME.size + page_size:
        number, commit, *rest = _FRAME.unpack_from(frame)
        running = _checksum(order, frame[:8], running)
        running = _checksum(order, frame[_FRAME.size :], running)
        if rest[:2] != salts or tuple(rest[2:]) != running or number == 0:
            return
        yield place + _FRAME.size, number, commit
        place += len(frame)


def _checksum(order: str, data: bytes, running: tuple[int, int]) -> tuple[int, int]:
    """The log's own checksum (section 4.2) over words of 32 bits in the given byte order."""
    first, second = running
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _U32
        second = (second + odd + first) & _U32
    return first, second


def _is_page_size(size: int) -> bool:
    return 512 <= size <= _LONGEST_PAGE and size & (size - 1) == 0
