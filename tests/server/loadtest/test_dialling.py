"""Connections against a Socket.IO server that is spoken by hand and behaves as the test says."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from scribe_server.loadtest import dialling
from scribe_server.loadtest.dialling import Dialler
from scribe_server.loadtest.job import Behaviour, Counts, Job
from scribe_server.loadtest.recorder import Character, Recorder, World
from scribe_server.loadtest.wire import ConnectError
from tests.parts.loadtest import MATERIAL, SESSION, plan

STARTED = '42["session-started",{"missingRanges":[],"maxSeq":-1}]'
Serve = Callable[[web.WebSocketResponse, int], Awaitable[None]]


async def started(socket: web.WebSocketResponse, _number: int) -> None:
    """A server as it should be."""
    await socket.receive_str()
    await socket.send_str(STARTED)
    await socket.receive()


def run(serve: Serve, use: Callable[[Dialler, Recorder, Counts], Awaitable[None]]) -> Counts:
    """Use a dialler with one recorder against a server; each connection has its number."""
    numbers = iter(range(1, 1000))

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str('0{"sid":"x"}')
        await socket.receive_str()
        await socket.send_str('40{"sid":"y"}')
        await serve(socket, next(numbers))
        return socket

    async def both() -> Counts:
        application = web.Application()
        application.router.add_get("/socket.io/", handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        counts = Counts()
        later: Any = asyncio.get_running_loop().call_later
        world = World(MATERIAL, counts, lambda _ms: None, lambda: 0.0, later, lambda: 1)
        recorder = Recorder(0, SESSION, 5, world, Character())
        job = Job(url, None, None, plan(), Behaviour(), [], 0, 1, 500.0, 60.0)
        dialler = Dialler(job, counts, random.Random(1))
        dialler.watch(recorder)
        try:
            async with asyncio.timeout(20):
                await use(dialler, recorder, counts)
        finally:
            await dialler.close()
            await runner.cleanup()
        return counts

    return asyncio.run(both())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - counts have no event
        await asyncio.sleep(0.01)


def test_a_lost_connection_is_made_again_until_the_end() -> None:
    async def use(dialler: Dialler, recorder: Recorder, counts: Counts) -> None:
        await dialler.first(recorder)
        assert recorder.ready
        for number in (2, 3):
            recorder.cut()
            await until(lambda wanted=number: counts.connections == wanted)  # type: ignore[misc]

    counts = run(started, use)
    assert (counts.cut, counts.lost_connections, counts.failed_attempts) == (2, 2, 0)


def test_a_connection_that_ends_before_the_answer_counts_as_one_failed_attempt() -> None:
    async def serve(socket: web.WebSocketResponse, number: int) -> None:
        if number == 2:
            await socket.receive_str()
            await socket.close()
            return
        await started(socket, number)

    async def use(dialler: Dialler, recorder: Recorder, counts: Counts) -> None:
        await dialler.first(recorder)
        recorder.cut()
        await until(lambda: counts.connections == 2)
        await asyncio.sleep(0.1)

    counts = run(serve, use)
    assert (counts.connections, counts.lost_connections, counts.failed_attempts) == (2, 1, 1)


def test_a_server_that_never_answers_is_given_up_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialling, "_ANSWER_S", 0.05)
    monkeypatch.setattr(dialling, "_FIRST_ATTEMPTS", 2)

    async def serve(socket: web.WebSocketResponse, _number: int) -> None:
        await socket.receive_str()
        await socket.receive()

    async def use(dialler: Dialler, recorder: Recorder, _counts: Counts) -> None:
        with pytest.raises(ConnectError, match="not answered"):
            await dialler.first(recorder)

    assert run(serve, use).failed_attempts == 2


def test_a_refused_session_is_raised_with_its_code() -> None:
    async def serve(socket: web.WebSocketResponse, _number: int) -> None:
        await socket.receive_str()
        await socket.send_str('42["session-error",{"code":"not_found","error":"no"}]')
        await socket.receive()

    async def use(dialler: Dialler, recorder: Recorder, _counts: Counts) -> None:
        with pytest.raises(ConnectError) as caught:
            await dialler.first(recorder)
        assert caught.value.code == "not_found"

    assert run(serve, use).errors == {"not_found": 1}


def test_no_connection_is_made_again_after_the_end() -> None:
    async def use(dialler: Dialler, recorder: Recorder, counts: Counts) -> None:
        await dialler.first(recorder)
        await dialler.close()
        await asyncio.sleep(0.1)
        assert counts.connections == 1

    assert run(started, use).lost_connections == 0
