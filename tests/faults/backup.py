"""The server's folder, copied while it runs (as docs/OPERATIONS.md says) and put back later."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from scribe_server.store.database import DATABASE_NAME

FOLDERS = ("segments", "keys")


def copy_running(data_dir: Path, backup: Path) -> None:
    """The database by SQLite's own backup, then the segments and the keys."""
    backup.mkdir(parents=True)
    with (
        closing(sqlite3.connect(data_dir / DATABASE_NAME)) as source,
        closing(sqlite3.connect(backup / DATABASE_NAME)) as target,
    ):
        source.backup(target)
    for folder in FOLDERS:
        shutil.copytree(data_dir / folder, backup / folder)


def put_back(backup: Path, data_dir: Path) -> None:
    """Replace a stopped server's folder by a copy."""
    empty(data_dir)
    shutil.copytree(backup, data_dir, dirs_exist_ok=True)


def empty(data_dir: Path, *, keep: tuple[str, ...] = ()) -> None:
    """Remove everything in a stopped server's folder but what is named."""
    for path in data_dir.iterdir():
        if path.name in keep:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
