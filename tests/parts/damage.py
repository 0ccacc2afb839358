"""Damaging a server's folder for real: bytes on the disk, rows in the database."""

import sqlite3
from pathlib import Path
from typing import Any

from scribe_server.receipts import ReceiptSigner
from scribe_server.store.checkup.examination import Examined, Folder, examine
from scribe_server.store.checkup.findings import Kind
from scribe_server.store.checkup.mending import Mending
from scribe_server.store.database import DATABASE_NAME
from tests.parts.store import START_MS

NOW = START_MS + 60_000


def rows_of(folder: Path, statement: str, *values: object) -> list[Any]:
    """Run a statement on the database, past the program."""
    connection = sqlite3.connect(folder / DATABASE_NAME)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def segment_path(folder: Path, number: int) -> Path:
    return folder / "segments" / f"{number:08d}.seg"


def flip_chunk(folder: Path, sequence: int) -> None:
    """Change one bit of a stored chunk."""
    ((segment, offset),) = rows_of(
        folder, 'SELECT segment, "offset" FROM chunks WHERE sequence = ?', sequence
    )
    flip(segment_path(folder, segment), offset + 3)


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def folder_of(path: Path) -> Folder:
    signer = ReceiptSigner.load(path)
    holds = None if signer is None else signer.holds
    return Folder(path, path / DATABASE_NAME, path / "segments", holds)


def check(path: Path, *, quick: bool = False, beside: bool = False, now: int = NOW) -> Examined:
    return examine(folder_of(path), now, quick=quick, beside=beside, progress=lambda *_: None)


def kinds(examined: Examined) -> list[Kind]:
    return [finding.kind for finding in examined.findings]


def mend(path: Path) -> list[str]:
    """What --fix does; every line that it says."""
    mending = Mending(folder_of(path), NOW)
    try:
        done = [*mending.start()]
        return [*done, *mending.apply(check(path))]
    finally:
        mending.close()
