"""Built files, kept in a bounded folder under a key of what they were built from."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from scribe_server.tasks import Tasks

log = logging.getLogger(__name__)

MAX_BYTES: Final = 2 * 1024**3
_BUILDING: Final = ".part"
_BUILT: Final = ".webm"

Build = Callable[[Path], Awaitable[None]]


class AudioCache:
    """Builds each key once, one at a time; the least recently used files make room."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._building: dict[str, asyncio.Task[Path | Exception]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._tasks = Tasks()

    def open(self) -> None:
        """Make the folder and remove what a crash left half built.

        Raises:
            OSError: the folder cannot be used.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._folder.glob(f"*{_BUILDING}"):
            left.unlink()

    async def get(self, key: str, build: Build) -> Path:
        """The key's file, built first when there is none; raises what `build` raises."""
        path = self._folder / f"{key}{_BUILT}"
        if path.exists():
            os.utime(path)
            return path
        task = self._building.get(key)
        if task is None:
            task = self._tasks.spawn(self._outcome(path, build), f"build {key}")
            self._building[key] = task
            task.add_done_callback(lambda _: self._building.pop(key, None))
        # Shielded: a listener who goes away does not take it from the others.
        outcome = await asyncio.shield(task)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def _outcome(self, path: Path, build: Build) -> Path | Exception:
        """The file or what went wrong, as a value: perhaps nobody is left to be told."""
        try:
            return await self._build(path, build)
        except Exception as error:  # noqa: BLE001 - raised again for everyone who waits
            return error

    async def _build(self, path: Path, build: Build) -> Path:
        unfinished = path.with_suffix(_BUILDING)
        async with self._one_at_a_time:
            try:
                await build(unfinished)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
        self._make_room(path)
        return path

    def _make_room(self, newest: Path) -> None:
        files = [(entry, entry.stat()) for entry in self._folder.glob(f"*{_BUILT}")]
        files.sort(key=lambda file: file[1].st_mtime_ns)
        total = sum(stat.st_size for _, stat in files)
        for entry, stat in files:
            if total <= self._max_bytes:
                break
            if entry != newest:
                entry.unlink()
                total -= stat.st_size

    def forget(self, session_id: str) -> None:
        """Remove what was built of a session, because its audio is not to be heard any more.

        Raises:
            OSError: the folder cannot be changed.
        """
        for file in self._folder.glob(f"{session_id.lower()}-*{_BUILT}"):
            file.unlink(missing_ok=True)

    async def close(self) -> None:
        """Stop what is being built."""
        await self._tasks.drain(0)
