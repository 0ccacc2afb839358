"""Background tasks with names, kept until done; one that fails is reported to its owner."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """The running tasks of one owner, on the loop that starts them."""

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Start a coroutine as a task that is kept until it is done."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_failure(error)

    async def cancel(self, *, but: str = "") -> None:
        """Cancel what runs, except tasks of that name, and wait until all have ended."""
        running = list(self._running)
        for task in running:
            if task.get_name() != but:
                task.cancel()
        if running:
            await asyncio.wait(running)
