"""Real damage to database files."""

import sqlite3
from contextlib import closing
from pathlib import Path

from scribe_desktop.spool.database import PAGE_SIZE


def overwrite_page(path: Path, number: int, byte: bytes = b"\xff") -> None:
    """Fill a page (from 1 on) with one byte, as a bad sector or a stray write would."""
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE_SIZE)
        file.write(byte * PAGE_SIZE)


def root_page(path: Path, name: str) -> int:
    """The first page of a table or index."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,))
        return int(found.fetchone()[0])


def leaf_pages(path: Path, name: str) -> list[int]:
    """The pages of a table of two levels that hold its rows, in their order.

    The cells of an interior page are pointers to its children (sqlite.org/fileformat2.html, 1.6).
    """
    root = root_page(path, name)
    page = path.read_bytes()[(root - 1) * PAGE_SIZE : root * PAGE_SIZE]
    assert page[0] == 5, "a table of one level has no leaves of its own"
    cells = int.from_bytes(page[3:5], "big")
    places = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n], "big") for n in range(cells)]
    children = [int.from_bytes(page[place : place + 4], "big") for place in places]
    return [*children, int.from_bytes(page[8:12], "big")]


def flip_a_byte(path: Path, content: bytes) -> None:
    """Change one bit in the middle of where `content` lies in the file."""
    data = bytearray(path.read_bytes())
    place = data.index(content) + len(content) // 2
    data[place] ^= 1
    path.write_bytes(data)
