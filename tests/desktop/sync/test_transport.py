"""The real python-socketio client against a real server on loopback."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from scribe_desktop.errors import UnreachableError
from scribe_desktop.sync.link import ConnectRefusedError, NoWebSocketError, Patience
from scribe_desktop.sync.transport import SocketIoConnection
from scribe_server.protocol import ConnectAuth
from tests.parts.socketio_server import SocketIoServer, socketio_server

AUTH = ConnectAuth(token="secret", client="test", protocol=1, device_id="d")
PATIENCE = Patience(connect_s=2.0, whole_s=5.0)


class Client:
    """A connection and what it said."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.down = asyncio.Event()
        self.heard = asyncio.Event()
        self.connection = SocketIoConnection(self._event, self.down.set)

    def _event(self, name: str, data: Any) -> None:
        self.events.append((name, data))
        self.heard.set()

    async def connect(self, origin: str, *, polling: bool = False) -> None:
        await self.connection.connect(origin, AUTH, PATIENCE, polling=polling)


def play(scenario: Callable[[SocketIoServer, Client], Awaitable[None]]) -> None:
    async def main() -> None:
        async with socketio_server() as server:
            client = Client()
            try:
                async with asyncio.timeout(20):
                    await scenario(server, client)
            finally:
                await client.connection.close()

    asyncio.run(main())


@pytest.mark.parametrize("polling", [False, True], ids=["websocket", "polling"])
def test_events_pass_in_both_directions(polling: bool) -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        await client.connect(server.origin, polling=polling)
        await client.heard.wait()
        assert client.events[0][0] == "welcome"
        before = client.connection.progress()
        client.connection.send("audio-chunk", {"audio": b"\x00\x01" * 500, "sequence": 3})
        await server.got_one.wait()
        assert server.received == [("audio-chunk", {"audio": b"\x00\x01" * 500, "sequence": 3})]
        assert server.auths == [
            {"token": "secret", "client": "test", "protocol": 1, "deviceId": "d"}
        ]
        after = client.connection.progress()
        assert after.confirmed >= before.confirmed + 1_000
        assert after.received > 0

    play(scenario)


def test_a_refusal_keeps_its_code() -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        server.refusal = {"code": "unauthorized", "message": "who are you"}
        with pytest.raises(ConnectRefusedError) as refused:
            await client.connect(server.origin)
        assert (refused.value.code, refused.value.message) == ("unauthorized", "who are you")

    play(scenario)


def test_nobody_listening_is_out_of_reach() -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        with pytest.raises(UnreachableError):
            await client.connect("http://127.0.0.1:9")

    play(scenario)


@pytest.mark.parametrize("polling", [False, True], ids=["websocket", "polling"])
def test_a_redirect_is_never_followed(polling: bool) -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        async with socketio_server() as elsewhere:

            def redirect(request: web.Request) -> None:
                raise web.HTTPTemporaryRedirect(elsewhere.origin + request.path_qs)

            asked: list[str] = []
            server.on_upgrade = redirect
            elsewhere.on_upgrade = lambda request: asked.append(request.path)
            with pytest.raises(UnreachableError):
                await client.connect(server.origin, polling=polling)
            assert asked == []
            assert elsewhere.auths == []

    play(scenario)


def test_a_connection_that_is_reset_at_once_is_not_made_a_second_time() -> None:
    async def main() -> None:
        made = 0

        async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal made
            made += 1
            writer.transport.abort()

        server = await asyncio.start_server(reset, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for attempt in range(1, 6):
            with pytest.raises(UnreachableError):
                await Client().connect(f"http://127.0.0.1:{port}")
            await asyncio.sleep(0.01)
            assert made == attempt
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_connection_that_is_lost_before_the_server_lets_us_in_is_given_up_at_once() -> None:
    async def main() -> None:
        hello = '0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}'

        async def hang_up(request: web.Request) -> web.WebSocketResponse:
            frames = web.WebSocketResponse()
            await frames.prepare(request)
            await frames.send_str(hello)
            assert (await frames.receive_str()).startswith("40")
            assert request.transport is not None
            request.transport.abort()
            return frames

        app = web.Application()
        app.router.add_get("/socket.io/", hang_up)
        async with TestServer(app) as server:
            client = Client()
            with pytest.raises(UnreachableError):
                # far less than the connection's own patience of 5 s
                async with asyncio.timeout(3):
                    await client.connect(str(server.make_url("")))

    asyncio.run(main())


def test_a_server_that_accepts_and_says_nothing_is_given_up_in_time() -> None:
    async def main() -> None:
        open_ones: list[asyncio.StreamWriter] = []

        async def mute(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_ones.append(writer)

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client()
        with pytest.raises(UnreachableError):
            await client.connection.connect(
                f"http://127.0.0.1:{port}", AUTH, Patience(0.3, 0.3), polling=False
            )
        for writer in open_ones:
            writer.close()
        server.close()
        await server.wait_closed()

    asyncio.run(main())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"garbage"])
def test_something_that_is_not_a_scribe_server_is_out_of_reach(answer: bytes) -> None:
    async def main() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for polling in (False, True):
            with pytest.raises(UnreachableError):
                await Client().connect(f"http://127.0.0.1:{port}", polling=polling)
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_a_server_that_is_mute_after_the_handshake_leaves_no_connection_behind() -> None:
    async def be_mute(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    async def main() -> None:
        application = web.Application()
        application.router.add_get("/socket.io/", be_mute)
        async with TestServer(application) as server:
            connection = Client().connection
            with pytest.raises(UnreachableError):
                await connection.connect(
                    str(server.make_url("")), AUTH, Patience(2.0, 0.3), polling=False
                )
            del connection
            gc.collect()  # here a response left open would warn, and a warning is an error

    asyncio.run(main(), debug=True)  # which makes aiohttp tell of what was left open


def test_a_network_without_websocket_is_told_from_no_network() -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        def only_http(request: web.Request) -> None:
            if "Upgrade" in request.headers:
                raise web.HTTPBadRequest

        server.on_upgrade = only_http
        with pytest.raises(NoWebSocketError):
            await Client().connect(server.origin)
        await client.connect(server.origin, polling=True)
        await client.heard.wait()

    play(scenario)


def test_the_servers_hanging_up_is_noticed() -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        await client.connect(server.origin)
        await server.sio.disconnect(server.sids[0])
        await client.down.wait()

    play(scenario)


def test_a_cut_ends_a_connection_that_has_data_queued() -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        await client.connect(server.origin)
        for _ in range(5):
            client.connection.send("audio-chunk", {"audio": bytes(3_000_000)})
        client.connection.cut()
        await client.down.wait()

    play(scenario)


def test_an_answer_that_is_too_long_ends_the_connection() -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        await client.connect(server.origin)
        await server.sio.emit("flood", "x" * 12_000_000)
        await client.down.wait()
        assert "flood" not in [name for name, _ in client.events]

    play(scenario)


def test_closing_again_or_before_connecting_is_harmless() -> None:
    async def scenario(server: SocketIoServer, client: Client) -> None:
        await Client().connection.close()
        await client.connect(server.origin)
        await client.connection.close()
        await client.connection.close()
        assert not client.down.is_set()

    play(scenario)


def test_connections_leave_no_descriptors_and_no_tasks_behind() -> None:
    async def main() -> None:
        async with socketio_server() as server:

            async def once(*, cut: bool) -> None:
                client = Client()
                await client.connect(server.origin)
                if cut:
                    client.connection.cut()
                    await client.down.wait()
                await client.connection.close()

            await once(cut=True)
            await asyncio.sleep(0.2)
            before = left_open()
            for number in range(10):
                await once(cut=number % 2 == 0)
            async with asyncio.timeout(10):
                while left_open() > before:  # noqa: ASYNC110 - the server's side closes by itself
                    await asyncio.sleep(0.05)

    asyncio.run(main())


def left_open() -> tuple[int, int]:
    """Descriptors of this process, and tasks that are not the test server's heartbeats."""
    gc.collect()
    tasks = [task for task in asyncio.all_tasks() if "_send_ping" not in repr(task.get_coro())]
    return len(list(Path("/proc/self/fd").iterdir())), len(tasks)
