"""The client against a small Socket.IO server that is spoken by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from scribe_server.loadtest.wire import Client, ConnectError, websocket_url

Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


class Ear:
    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.acks: asyncio.Queue[tuple[int, list[Any]]] = asyncio.Queue()
        self.ended = asyncio.Event()

    def on_event(self, name: str, payload: Any) -> None:
        self.events.put_nowait((name, payload))

    def on_ack(self, number: int, arguments: list[Any]) -> None:
        self.acks.put_nowait((number, arguments))

    def on_writable(self, writable: bool) -> None:
        self.events.put_nowait(("writable", writable))

    def on_end(self) -> None:
        self.ended.set()


@asynccontextmanager
async def server(talk: Talk) -> AsyncIterator[str]:
    """A server that opens Engine.IO and then does as the test says."""

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.query["transport"] == "websocket"
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        await socket.send_str('0{"sid":"x","upgrades":[],"pingInterval":1,"pingTimeout":1}')
        await talk(socket)
        return socket

    application = web.Application()
    application.router.add_get("/socket.io/", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def welcome(socket: web.WebSocketResponse) -> dict[str, Any]:
    """Take the CONNECT; its auth."""
    packet = await socket.receive_str()
    assert packet.startswith("40")
    await socket.send_str('40{"sid":"y"}')
    auth: dict[str, Any] = json.loads(packet[2:])
    return auth


def run(talk: Talk, use: Callable[[str, Ear], Awaitable[None]]) -> None:
    async def both() -> None:
        async with asyncio.timeout(20), server(talk) as url:
            await use(url, Ear())

    asyncio.run(both())


def test_an_event_goes_out_with_its_attachment_and_an_answer_comes_back() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        auth = await welcome(socket)
        head = await socket.receive_str()
        audio = await socket.receive_bytes()
        answer = json.dumps(["chunk-ack", {"auth": auth, "head": head, "bytes": len(audio)}])
        await socket.send_str("42" + answer)
        await socket.receive()

    async def use(url: str, ear: Ear) -> None:
        client = await Client.connect(url, {"token": "t"}, ear)
        assert client.send_chunk("audio-chunk", {"sequence": 3}, b"x" * 70_000) is None
        name, payload = await ear.events.get()
        assert (name, payload["auth"], payload["bytes"]) == ("chunk-ack", {"token": "t"}, 70_000)
        kind, _, body = payload["head"].partition("-")
        assert kind == "451"
        placeholder = {"_placeholder": True, "num": 0}
        assert json.loads(body) == ["audio-chunk", {"sequence": 3, "audio": placeholder}]
        client.close()
        await ear.ended.wait()

    run(talk, use)


def test_an_acknowledgement_carries_the_number_of_its_event() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await welcome(socket)
        assert (await socket.receive_str()).startswith('421["a"')
        assert (await socket.receive_str()).startswith('451-2["b"')
        await socket.receive_bytes()
        await socket.send_str('432["second",2]')
        await socket.send_str("431[]")
        await socket.receive()

    async def use(url: str, ear: Ear) -> None:
        client = await Client.connect(url, {}, ear)
        assert client.send_event("a", None, ack=True) == 1
        assert client.send_chunk("b", {}, b"x", ack=True) == 2
        assert await ear.acks.get() == (2, ["second", 2])
        assert await ear.acks.get() == (1, [])
        client.close()
        await ear.ended.wait()

    run(talk, use)


def test_a_ping_is_answered_and_an_event_may_come_without_a_payload() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await welcome(socket)
        await socket.send_str("2")
        assert await socket.receive_str() == "3"
        await socket.send_str('42["pinged"]')
        await socket.receive()

    async def use(url: str, ear: Ear) -> None:
        client = await Client.connect(url, {}, ear)
        assert await ear.events.get() == ("pinged", None)
        client.close()
        await ear.ended.wait()

    run(talk, use)


def test_a_refusal_is_raised_with_the_servers_code() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.receive_str()
        data = {"code": "unauthorized", "message": "no"}
        await socket.send_str("44" + json.dumps({"message": "Sign in.", "data": data}))
        await socket.receive()

    async def use(url: str, ear: Ear) -> None:
        with pytest.raises(ConnectError, match=r"Sign in\.") as caught:
            await Client.connect(url, {}, ear)
        assert caught.value.code == "unauthorized"
        assert not ear.ended.is_set()

    run(talk, use)


def test_a_server_that_hangs_up_or_is_not_there_is_unreachable() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.receive_str()
        await socket.close()

    async def use(url: str, ear: Ear) -> None:
        for address in (url, "http://127.0.0.1:9"):
            with pytest.raises(ConnectError) as caught:
                await Client.connect(address, {}, ear)
            assert caught.value.code == "unreachable"

    run(talk, use)


def test_a_server_that_says_nothing_is_given_up() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        await socket.receive()

    async def use(url: str, ear: Ear) -> None:
        with pytest.raises(ConnectError):
            await Client.connect(url, {}, ear, timeout_s=0.2)

    run(talk, use)


def test_a_cut_connection_ends_for_both_without_a_goodbye() -> None:
    seen: asyncio.Queue[WSMsgType] = asyncio.Queue()

    async def talk(socket: web.WebSocketResponse) -> None:
        await welcome(socket)
        seen.put_nowait((await socket.receive()).type)

    async def use(url: str, ear: Ear) -> None:
        client = await Client.connect(url, {}, ear)
        client.cut()
        await ear.ended.wait()
        client.cut()
        client.send_event("late", None)
        assert await seen.get() in {WSMsgType.CLOSED, WSMsgType.ERROR, WSMsgType.CLOSING}

    run(talk, use)


def test_a_server_that_does_not_read_makes_the_client_say_that_it_is_full() -> None:
    async def talk(socket: web.WebSocketResponse) -> None:
        await welcome(socket)
        await asyncio.sleep(0.3)
        for _ in range(300):
            await socket.receive()

    async def use(url: str, ear: Ear) -> None:
        client = await Client.connect(url, {}, ear)
        for _ in range(300):
            client.send_chunk("audio-chunk", {}, b"x" * 100_000)
        assert await ear.events.get() == ("writable", False)
        assert await ear.events.get() == ("writable", True)
        client.cut()
        await ear.ended.wait()

    run(talk, use)


def test_the_websocket_has_the_servers_security() -> None:
    tail = "/socket.io/?EIO=4&transport=websocket"
    assert websocket_url("http://127.0.0.1:8765") == "ws://127.0.0.1:8765" + tail
    assert websocket_url("https://scribe.example.com") == "wss://scribe.example.com" + tail
