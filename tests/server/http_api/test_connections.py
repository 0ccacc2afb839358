import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from scribe_server.http_api.connections import (
    OWN_DESCRIPTORS,
    ConnectionLimit,
    CountedHandler,
    descriptors,
    place_of,
)
from scribe_server.inflow import Inflow
from scribe_server.metrics import Metrics

PUBLIC = "203.0.113.7"
Handler = Callable[[web.BaseRequest], Awaitable[web.Response]]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_customer_is_one_place_and_a_mapped_address_is_what_it_maps(
    address: str, place: str
) -> None:
    assert place_of(address) == place


def test_a_place_may_have_so_many_and_others_as_many() -> None:
    metrics = Metrics()
    limit = ConnectionLimit(2, metrics)
    assert [limit.enter(PUBLIC) for _ in range(3)] == [PUBLIC, PUBLIC, None]
    assert limit.enter("203.0.113.8") == "203.0.113.8"
    assert metrics.connections_refused == 1
    limit.leave(PUBLIC)
    assert limit.enter(PUBLIC) == PUBLIC
    for place in (PUBLIC, PUBLIC, "203.0.113.8"):
        limit.leave(place)
    assert len(limit) == 0


def test_loopback_is_not_counted_and_zero_is_no_limit() -> None:
    limit = ConnectionLimit(1, Metrics())
    assert [limit.enter("127.0.0.1") for _ in range(3)] == [""] * 3
    unlimited = ConnectionLimit(0, Metrics())
    assert [unlimited.enter(PUBLIC) for _ in range(3)] == [""] * 3
    assert len(limit) == len(unlimited) == 3


def test_all_together_leave_the_server_its_own_descriptors() -> None:
    metrics = Metrics()
    limit = ConnectionLimit(0, metrics, descriptors=lambda: 300)
    entered = [limit.enter(address) for address in (PUBLIC, "127.0.0.1") for _ in range(118)]
    assert entered == [""] * (300 - OWN_DESCRIPTORS)
    assert limit.enter("127.0.0.1") is None
    assert metrics.connections_refused == 1
    limit.leave("")
    assert limit.enter("127.0.0.1") == ""


def test_where_there_are_few_descriptors_three_of_four_are_for_connections() -> None:
    limit = ConnectionLimit(0, Metrics(), descriptors=lambda: 8)
    assert [limit.enter(PUBLIC) for _ in range(7)] == [""] * 6 + [None]


def test_the_descriptors_are_what_the_system_allows_just_now() -> None:
    assert descriptors() > OWN_DESCRIPTORS


class ForeignTransport(asyncio.BaseTransport):
    """One of another event loop, as uvloop's are."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


def test_a_connection_too_many_is_closed_on_every_event_loop() -> None:
    limit = ConnectionLimit(0, Metrics(), descriptors=lambda: 0)
    transport = ForeignTransport({"peername": (PUBLIC, 1)})

    async def connect() -> None:
        CountedHandler(web.Server(hello), limit, CountedBytes()).connection_made(transport)

    asyncio.run(connect())
    assert transport.aborted
    assert len(limit) == 0


class CountedBytes(Inflow):
    """Counts the bytes of all connections."""

    def __init__(self) -> None:
        super().__init__(1)
        self.seen = 0

    def received(self, connection: Hashable, size: int) -> None:
        assert isinstance(connection, CountedHandler)
        self.seen += size


async def hello(_request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


@asynccontextmanager
async def listening(
    limit: ConnectionLimit, inflow: CountedBytes | None = None, handler: Handler = hello
) -> AsyncIterator[int]:
    server, counts = web.Server(handler), inflow or CountedBytes()
    tcp = await asyncio.get_running_loop().create_server(
        lambda: CountedHandler(server, limit, counts, access_log=None), "127.0.0.1", 0
    )
    try:
        yield tcp.sockets[0].getsockname()[1]
    finally:
        tcp.close()
        await server.shutdown()


async def ask(port: int) -> tuple[bytes, asyncio.StreamWriter]:
    """Send a request over a new connection; the first line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        line = await asyncio.wait_for(reader.readline(), 5)
        if b" 200 " in line:
            await asyncio.wait_for(reader.readuntil(b"hello"), 5)
    except ConnectionError:
        return b"", writer
    return line, writer


def test_one_connection_too_many_is_closed_at_once_and_one_that_ends_makes_room() -> None:
    limit = ConnectionLimit(2, Metrics(), loopback_counts=True)

    async def scenario() -> list[bool]:
        async with listening(limit) as port:
            first, kept = await ask(port)
            second, ended = await ask(port)
            third, refused = await ask(port)
            ended.close()
            for _ in range(500):
                if len(limit) == 1:
                    break
                await asyncio.sleep(0.01)
            fourth, last = await ask(port)
            for writer in (kept, refused, last):
                writer.close()
            return [bool(line) for line in (first, second, third, fourth)]

    assert asyncio.run(scenario()) == [True, True, False, True]
    assert len(limit) == 0


def test_the_inflow_is_told_every_byte_of_a_connection() -> None:
    inflow = CountedBytes()

    async def scenario() -> None:
        async with listening(ConnectionLimit(0, Metrics()), inflow) as port:
            _, writer = await ask(port)
            writer.close()

    asyncio.run(scenario())
    assert inflow.seen == len(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
def test_what_is_no_http_is_refused_and_told_in_one_line(
    caplog: pytest.LogCaptureFixture, request_line: bytes
) -> None:
    async def scenario() -> bytes:
        async with listening(ConnectionLimit(0, Metrics())) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request_line)
            line = await asyncio.wait_for(reader.readline(), 5)
            writer.close()
            return line

    with caplog.at_level("INFO"):
        assert b" 400 " in asyncio.run(scenario())
    assert "Traceback" not in caplog.text


@pytest.mark.logs_errors
def test_a_mistake_of_our_own_is_told_in_full(caplog: pytest.LogCaptureFixture) -> None:
    async def mistaken(_request: web.BaseRequest) -> web.Response:
        raise RuntimeError("ours")

    async def scenario() -> bytes:
        async with listening(ConnectionLimit(0, Metrics()), handler=mistaken) as port:
            line, writer = await ask(port)
            writer.close()
            return line

    assert b" 500 " in asyncio.run(scenario())
    assert "RuntimeError: ours" in caplog.text
