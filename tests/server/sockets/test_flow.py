import asyncio

import pytest

from scribe_server.sockets import flow
from scribe_server.sockets.flow import Unstored
from scribe_server.tasks import Tasks


def test_waiting_ends_when_enough_was_stored_and_ticks_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow, "TICK_S", 0.001)

    async def scenario() -> tuple[int, int]:
        held = Unstored()
        held.add(3)
        held.add(4)
        ticked = asyncio.Event()
        wait = Tasks().spawn(held.until(lambda: held.chunks == 0, ticked.set), "waiting")
        await ticked.wait()
        held.remove(3)
        await asyncio.sleep(0.01)
        assert not wait.done()
        held.remove(4)
        await wait
        return held.chunks, held.bytes

    assert asyncio.run(scenario()) == (0, 0)


def test_nobody_waits_when_the_condition_holds_already() -> None:
    held = Unstored()
    asyncio.run(held.until(lambda: True, lambda: None))
    assert held.chunks == 0
