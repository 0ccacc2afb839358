import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from scribe_server.protocol import MAX_MESSAGE_BYTES
from scribe_server.tasks import Tasks
from tests.server.sockets.doubles import TOKEN, Served, chunk


class Polling:
    """A client of the long-polling transport."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._url = served.url + "?EIO=4&transport=polling"

    async def get(self) -> str:
        async with self._served.session.get(self._url) as response:
            assert response.status == 200
            return await response.text()

    async def post(self, body: str | bytes, **options: object) -> int:
        async with self._served.session.post(self._url, data=body, **options) as response:  # type: ignore[arg-type] # options of aiohttp
            return response.status

    async def open(self) -> None:
        self._url += "&sid=" + json.loads((await self.get())[1:])["sid"]

    async def hello(self) -> None:
        await self.open()
        assert await self.post("40" + json.dumps({"token": TOKEN})) == 200
        received = ""
        while "welcome" not in received:
            received += await self.get()


def polled_chunk(audio: bytes) -> str:
    header = {**chunk(0, audio), "audio": {"_placeholder": True, "num": 0}}
    attachment = base64.b64encode(audio).decode()
    return "451-" + json.dumps(["audio-chunk", header]) + "\x1eb" + attachment


def test_a_300_kb_chunk_arrives_whole_over_polling(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = Polling(served)
            await client.hello()
            audio = os.urandom(300_000)
            assert await client.post(polled_chunk(audio)) == 200
            received = ""
            while "chunk-ack" not in received:
                received += await client.get()
            assert list(served.ingest.stored.values()) == [audio]

    asyncio.run(scenario())


def test_all_that_a_client_has_buffered_may_come_in_one_body(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = Polling(served)
            await client.hello()
            assert await client.post("\x1e".join(polled_chunk(b"x") for _ in range(30))) == 200
            received = ""
            while received.count("chunk-ack") + received.count("rate_limited") < 30:
                received += await client.get()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "body",
    [b"zzz", b"\xff\xfe", b"b!!!", b"", b"3\x1e" * 10_000 + b"3", b"4[[[[", b"d=42[]"],
)
def test_an_unusable_polling_body_ends_its_socket_only(tmp_path: Path, body: bytes) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            good = await served.welcomed()
            client = Polling(served)
            await client.open()
            assert await client.post(body) == 400
            assert await client.post("40" + json.dumps({"token": TOKEN})) == 400
            await good.chunk(0)
            assert (await good.event())[0] == "chunk-ack"

    asyncio.run(scenario())


def test_a_client_that_says_goodbye_gets_its_open_poll_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = Polling(served)
            await client.hello()
            poll = Tasks().spawn(client.get(), "poll")
            await asyncio.sleep(0.05)
            assert await client.post("1") == 200
            assert await poll == ""
            await served.until(lambda: served.metrics.sockets == 0)

    asyncio.run(scenario())


def test_a_big_body_before_connect_is_not_read(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = Polling(served)
            await client.open()
            assert await client.post(b"4" * 100_000) == 413

    asyncio.run(scenario())


@pytest.mark.parametrize("ends", [True, False])
def test_a_body_that_comes_when_its_socket_has_ended_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, ends: bool
) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = Polling(served)
            await client.open()
            (sid,) = served.sockets._server.eio.sockets
            rest = asyncio.Event()

            async def body() -> AsyncIterator[bytes]:
                yield b"40"
                await rest.wait()
                if not ends:
                    raise ConnectionAbortedError
                yield b"{}"

            async def posted() -> int:
                with contextlib.suppress(aiohttp.ClientError):  # it ends in the middle
                    return await client.post(body(), headers={"Content-Length": "4"})
                return 0

            post = Tasks().spawn(posted(), "post")
            await served.until(lambda: sid in served.sockets._server.eio._posting)
            await served.sockets._server.cut(sid)
            rest.set()
            assert await post == (400 if ends else 0)
            await served.until(lambda: not served.sockets._server.eio._posting)

    asyncio.run(scenario())
    assert "Traceback" not in caplog.text


def test_a_body_of_unknown_length_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = Polling(served)
            await client.open()
            assert await client.post("40{}", chunked=True) == 400

    asyncio.run(scenario())


def test_jsonp_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            url = served.url + "?EIO=4&transport=polling&j=0"
            async with served.session.get(url) as response:
                assert response.status == 400

    asyncio.run(scenario())


def test_compression_is_not_negotiated_and_a_message_over_the_limit_ends_the_socket(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            url = served.url + "?EIO=4&transport=websocket"
            socket = await served.session.ws_connect(url, compress=15)
            assert socket.compress == 0
            with contextlib.suppress(ConnectionError):  # it may end while we still send
                await socket.send_bytes(bytes(MAX_MESSAGE_BYTES + 1))
            while True:
                message = await asyncio.wait_for(socket.receive(), 10)
                if message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    break
            assert socket.closed

    asyncio.run(scenario())


def test_polling_can_be_upgraded_to_a_websocket(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = Polling(served)
            await client.hello()
            url = client._url.replace("transport=polling", "transport=websocket")
            socket = await served.session.ws_connect(url)
            await socket.send_str("2probe")
            assert (await socket.receive()).data == "3probe"
            await socket.send_str("5")
            await socket.send_str('42["sync-check",{"sessions":[]}]')
            message = await asyncio.wait_for(socket.receive(), 10)
            while message.data in {"2", "6"}:
                message = await asyncio.wait_for(socket.receive(), 10)
            assert json.loads(message.data[2:]) == ["sync-state", {"sessions": []}]

    asyncio.run(scenario())
