import asyncio
import logging

import pytest

from scribe_server.tasks import Tasks


async def nothing() -> int:
    return 1


async def failing() -> None:
    raise ValueError("broken")


def test_a_spawned_task_is_kept_until_it_is_done() -> None:
    async def scenario() -> None:
        tasks = Tasks()
        task = tasks.spawn(nothing(), "one")
        assert len(tasks) == 1
        assert await task == 1
        await asyncio.sleep(0)
        assert len(tasks) == 0

    asyncio.run(scenario())


@pytest.mark.logs_errors
def test_a_task_that_fails_is_reported_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        tasks = Tasks()
        tasks.start(failing(), "the broken one")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(tasks) == 0

    asyncio.run(scenario())
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [
        (logging.ERROR, "background task the broken one failed")
    ]


def test_draining_cancels_what_does_not_end_in_time() -> None:
    async def scenario() -> None:
        tasks = Tasks()
        quick = tasks.spawn(nothing(), "quick")
        slow = tasks.spawn(asyncio.sleep(3600), "slow")
        await tasks.drain(0.05)
        assert quick.done()
        assert slow.cancelled()
        await asyncio.sleep(0)
        assert len(tasks) == 0

    asyncio.run(scenario())
