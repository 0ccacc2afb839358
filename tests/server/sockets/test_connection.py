"""One Engine.IO socket over one WebSocket, seen by a raw client."""

import asyncio
import gc
import json
from pathlib import Path

import pytest
from aiohttp import ClientWebSocketResponse

from scribe_server.protocol import AudioChunk
from tests.server.sockets.doubles import TOKEN, Client, Served


async def polled(served: Served) -> str:
    """Open a socket over polling; its URL for WebSocket."""
    async with served.session.get(served.url + "?EIO=4&transport=polling") as response:
        sid = json.loads((await response.text())[1:])["sid"]
    return f"{served.url}?EIO=4&transport=websocket&sid={sid}"


async def probing(served: Served, url: str) -> ClientWebSocketResponse:
    socket = await served.session.ws_connect(url)
    await socket.send_str("2probe")
    assert (await socket.receive()).data == "3probe"
    return socket


def test_a_polling_socket_goes_on_over_a_websocket_after_the_probe(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            url = await polled(served)
            poll_url = url.replace("websocket", "polling")
            async with served.session.post(poll_url, data='40{"token":"' + TOKEN + '"}') as sent:
                assert sent.status == 200
            socket = await probing(served, url)
            async with served.session.get(poll_url) as poll:
                assert await poll.text() == "6"
            await socket.send_str("5")
            client = Client(socket)
            assert (await client.next()).startswith("40{")
            assert (await client.event())[0] == "welcome"
            assert await client.next() == "6"
            await client.chunk(0)
            assert (await client.event())[0] == "chunk-ack"

    asyncio.run(scenario())


@pytest.mark.parametrize("frames", [["2other"], ["42[]"], ["2probe", "42[]"]])
def test_an_upgrade_that_is_none_leaves_the_socket_on_polling(
    tmp_path: Path, frames: list[str]
) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            url = await polled(served)
            socket = await served.session.ws_connect(url)
            for frame in frames:
                await socket.send_str(frame)
            assert await Client(socket).closed()
            poll_url = url.replace("websocket", "polling")
            async with served.session.post(poll_url, data="40{}") as response:
                assert response.status == 200

    asyncio.run(scenario())


def test_an_engine_close_ends_the_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            await client.socket.send_str("1")
            assert await client.closed()
            await served.until(lambda: served.metrics.sockets == 0)

    asyncio.run(scenario())


def test_frames_that_are_not_due_do_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            for frame in ("3", "2", "5", "3"):
                await client.socket.send_str(frame)
            await client.chunk(0)
            assert (await client.event())[0] == "chunk-ack"

    asyncio.run(scenario())


@pytest.mark.logs_errors
def test_a_bug_costs_its_socket_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            good = await served.welcomed()
            bad = await served.welcomed()

            async def broken(*_: object) -> None:
                raise RuntimeError("a bug")

            monkeypatch.setattr(served.sockets, "event", broken)
            await bad.chunk(0)
            assert await bad.closed()
            monkeypatch.undo()
            await good.chunk(1)
            assert (await good.event())[0] == "chunk-ack"

    asyncio.run(scenario())


def test_a_stored_chunk_is_not_kept_in_memory_while_its_socket_is_silent(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            await client.chunk(0, b"sound" * 1000)
            assert (await client.event())[0] == "chunk-ack"
            (audio,) = served.ingest.stored.values()
            served.ingest.stored.clear()
            holders = [
                holder
                for holder in gc.get_referrers(audio)
                if isinstance(holder, AudioChunk | dict | list | tuple) and holder is not locals()
            ]
            assert holders == []

    asyncio.run(scenario())
