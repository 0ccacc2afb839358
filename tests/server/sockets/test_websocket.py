import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, web
from aiohttp.test_utils import TestServer

from scribe_server.protocol import MAX_MESSAGE_BYTES
from scribe_server.sockets.websocket import WebSocket


class Ending:
    def __init__(self) -> None:
        self.draining = asyncio.Event()
        self.closed = asyncio.Event()


Serve = Callable[[WebSocket, Ending], Awaitable[None]]
Use = Callable[[ClientWebSocketResponse], Awaitable[None]]


def run(serve: Serve, use: Use) -> None:
    """One connection: what the server does with it, and what the client does."""

    async def scenario() -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def handler(request: web.Request) -> web.WebSocketResponse:
            ending = Ending()
            socket = WebSocket(ending)
            response = await socket.prepare(request)
            try:
                await serve(socket, ending)
            except BaseException as error:
                done.set_exception(error)
                raise
            done.set_result(None)
            return response

        application = web.Application()
        application.router.add_get("/", handler)
        async with (
            TestServer(application) as server,
            aiohttp.ClientSession() as session,
            session.ws_connect(server.make_url("/"), max_msg_size=0) as client,
        ):
            await use(client)
            await asyncio.wait_for(done, 10)

    asyncio.run(scenario())


async def nothing(_client: ClientWebSocketResponse) -> None:
    await asyncio.sleep(0)


def test_frames_go_both_ways() -> None:
    async def serve(socket: WebSocket, _ending: Ending) -> None:
        await socket.send((await socket.receive()).data + "!")
        await socket.send((await socket.receive()).data + b"!")
        assert socket.unsent() == 0

    async def use(client: ClientWebSocketResponse) -> None:
        await client.send_str("text")
        assert (await client.receive()).data == "text!"
        await client.send_bytes(b"bytes")
        assert (await client.receive()).data == b"bytes!"

    run(serve, use)


def test_the_end_of_the_connection_is_an_oserror() -> None:
    async def serve(socket: WebSocket, _ending: Ending) -> None:
        with pytest.raises(OSError, match="closed"):
            await socket.receive()

    async def use(client: ClientWebSocketResponse) -> None:
        await client.close()

    run(serve, use)


def test_a_message_over_the_limit_ends_the_connection() -> None:
    async def serve(socket: WebSocket, _ending: Ending) -> None:
        with pytest.raises(OSError, match="closed"):
            await socket.receive()

    async def use(client: ClientWebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):  # it is cut while it sends
            await client.send_bytes(bytes(MAX_MESSAGE_BYTES + 1))

    run(serve, use)


def test_a_frame_that_arrives_while_the_server_ends_counts_as_too_late() -> None:
    async def serve(socket: WebSocket, ending: Ending) -> None:
        ending.draining.set()
        ending.closed.set()
        with pytest.raises(OSError, match="closing"):
            await socket.receive()

    async def use(client: ClientWebSocketResponse) -> None:
        await client.send_str("late")

    run(serve, use)


def test_abort_drops_the_connection_without_a_handshake() -> None:
    async def serve(socket: WebSocket, _ending: Ending) -> None:
        socket.abort()

    async def use(client: ClientWebSocketResponse) -> None:
        message = await client.receive()
        assert message.type is aiohttp.WSMsgType.CLOSED
        assert client.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE

    run(serve, use)


def test_a_websocket_without_a_connection_has_nothing_unsent() -> None:
    async def scenario() -> None:
        socket = WebSocket(Ending())
        socket.abort()
        assert socket.unsent() == 0

    asyncio.run(scenario())


def test_each_whole_frame_is_told() -> None:
    told: list[str] = []

    async def serve(socket: WebSocket, _ending: Ending) -> None:
        socket._arrived = lambda: told.append("whole")
        await socket.receive()
        await socket.receive()

    async def use(client: ClientWebSocketResponse) -> None:
        await client.send_str("one")
        await client.send_bytes(b"two")

    run(serve, use)
    assert told == ["whole"] * 2
