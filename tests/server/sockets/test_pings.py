"""A socket is pinged in time; one that has ended is neither pinged nor kept."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
from engineio import packet
from engineio.async_socket import AsyncSocket

from scribe_server.sockets.engine import Engine
from scribe_server.sockets.pings import TASK_OF_STOCK, ping_later
from scribe_server.tasks import Tasks


class Socket:
    """As much of engineio's socket as a ping needs."""

    def __init__(self) -> None:
        self.sid = "a-socket"
        self.closing = self.closed = False
        self.last_ping: float | None = None
        self.sent: list[int] = []

    async def send(self, pkt: packet.Packet) -> None:
        self.sent.append(pkt.packet_type)


def after_the_interval(socket: Socket) -> None:
    async def scenario() -> None:
        tasks = Tasks()
        ping_later(socket, 0, tasks)
        await asyncio.sleep(0.01)
        await tasks.drain(1)

    asyncio.run(scenario())


def test_an_open_socket_is_pinged_and_it_is_noted_when() -> None:
    socket = Socket()
    after_the_interval(socket)
    assert socket.sent == [packet.PING]
    assert socket.last_ping


@pytest.mark.parametrize("flag", ["closing", "closed"])
def test_a_socket_that_ends_is_not_pinged(flag: str) -> None:
    socket = Socket()
    setattr(socket, flag, True)
    after_the_interval(socket)
    assert socket.sent == []


def test_a_socket_that_has_ended_is_not_kept_until_its_ping() -> None:
    async def scenario() -> None:
        engine: Any = Engine()
        socket: Any = AsyncSocket(engine, "a-socket")
        socket.schedule_ping()
        gone = weakref.ref(socket)
        del socket
        gc.collect()
        assert gone() is None

    asyncio.run(scenario())


def test_engineio_still_calls_it_so() -> None:
    assert hasattr(AsyncSocket, TASK_OF_STOCK)


def test_other_background_tasks_are_started() -> None:
    async def scenario() -> None:
        done: list[int] = []

        async def work(number: int) -> None:
            done.append(number)

        await Engine().start_background_task(work, 7)
        assert done == [7]

    asyncio.run(scenario())
