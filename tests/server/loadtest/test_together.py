import asyncio
import time

import pytest

from scribe_server.loadtest.together import each


def test_every_item_is_worked_on_once_and_only_so_many_at_the_same_time() -> None:
    done: list[int] = []
    running: set[int] = set()
    most = 0

    async def work(item: int) -> None:
        nonlocal most
        running.add(item)
        most = max(most, len(running))
        await asyncio.sleep(0)
        running.discard(item)
        done.append(item)

    asyncio.run(each(range(20), 3, work))
    assert sorted(done) == list(range(20))
    assert most == 3


def test_the_first_failure_ends_everything_and_is_raised_as_it_is() -> None:
    done: list[int] = []

    async def work(item: int) -> None:
        if item == 2:
            raise KeyError(item)
        done.append(item)
        await asyncio.sleep(3600)

    with pytest.raises(KeyError):
        asyncio.run(each(range(100), 5, work))
    assert len(done) < 5


def test_a_rate_spreads_the_beginnings() -> None:
    begun: list[float] = []

    async def work(_item: int) -> None:
        begun.append(time.monotonic())

    start = time.monotonic()
    asyncio.run(each(range(5), 5, work, per_s=50))
    assert all(at - start >= number / 50 for number, at in enumerate(sorted(begun)))
