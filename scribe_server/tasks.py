"""Background tasks with names, kept alive until done; a task that fails is reported, never lost."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """A set of running background tasks that belong to one owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a coroutine as a task that is kept until it is done."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._watch(task)
        return task

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Like spawn, for work whose end nobody waits for."""
        self._watch(asyncio.get_running_loop().create_task(work, name=name))

    def _watch(self, task: asyncio.Task[Any]) -> None:
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task %s failed", task.get_name(), exc_info=error)

    async def drain(self, timeout_s: float) -> None:
        """Wait for the running tasks, then cancel what is left after `timeout_s` seconds."""
        pending = set(self._running)
        if pending:
            _, pending = await asyncio.wait(pending, timeout=timeout_s)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
