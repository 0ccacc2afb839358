"""The same work for many things, some at once, begun no faster than a rate."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def each(
    items: Iterable[T],
    at_once: int,
    work: Callable[[T], Awaitable[None]],
    *,
    per_s: float | None = None,
) -> None:
    """Await `work` for every item, `at_once` at the same time and `per_s` begun in a second.

    The first failure ends everything and is raised.
    """
    left = iter(items)
    began, count = time.monotonic(), 0

    async def some() -> None:
        nonlocal count
        for item in left:
            if per_s is not None:
                slot = began + count / per_s
                count += 1
                await asyncio.sleep(max(0.0, slot - time.monotonic()))
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(some())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
