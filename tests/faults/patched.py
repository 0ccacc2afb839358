"""Runs a program with one thing changed that no setting changes.

    python -m tests.faults.patched buffered -m scribe_server ...

The careless ones answer before the disk has anything: a drill that does not catch them is worth
nothing.
"""

import os
import runpy
import sqlite3
import sys
from collections.abc import Callable


def buffered() -> None:
    """As on a system without O_DIRECT: the server writes segments through the page cache."""
    del os.O_DIRECT


def careless_spool() -> None:
    """The spool does not wait for the disk."""
    from scribe_desktop.spool import database

    set_pragmas = database._set_pragmas

    def set_and_undo(connection: sqlite3.Connection) -> None:
        set_pragmas(connection)
        connection.execute("PRAGMA synchronous = OFF")

    database._set_pragmas = set_and_undo


def careless_journal() -> None:
    """The journal of a recording does not wait for the disk."""
    os.fdatasync = lambda descriptor: None


def impatient() -> None:
    """A recording is given up after 2 s of sound that the disk refuses, not after 2 min."""
    from scribe_desktop.capture import writer

    writer.MAX_TROUBLE_SAMPLES = 2 * 48_000


def careless_segments() -> None:
    """The server's segments, written through the page cache, do not wait for the disk."""
    from scribe_server.store.files import Files

    buffered()
    Files.sync = lambda self, descriptor: None  # type: ignore[method-assign]


PATCHES: dict[str, Callable[[], None]] = {
    "buffered": buffered,
    "careless-spool": careless_spool,
    "careless-journal": careless_journal,
    "impatient": impatient,
    "careless-segments": careless_segments,
}


def python(patch: str) -> list[str]:
    """The words that start a Python program with a patch, before its `-m MODULE`."""
    assert patch in PATCHES, patch
    return [sys.executable, "-m", "tests.faults.patched", patch]


if __name__ == "__main__":
    _, name, dash_m, module, *words = sys.argv
    assert dash_m == "-m", sys.argv
    PATCHES[name]()
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
