"""What strangers may try against a running server, while a good client gets all its acks."""

import asyncio
import contextlib
import json
import os
import random
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.parts.attack_corpus import IDS, PACKETS, PLACEHOLDER, SEQUENCES, random_frame
from tests.parts.raw_client import RawClient
from tests.parts.rest import rest
from tests.parts.server import ServerProcess

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all attacks; it fails the last test when its log holds a traceback."""
    folder = tmp_path_factory.mktemp("attacked") / "data"
    with ServerProcess(folder, users=("ada", "bob")) as running:
        yield running


@asynccontextmanager
async def good_client(server: ServerProcess) -> AsyncIterator[None]:
    """A client that delivers before, during and after; the server's log stays clean."""
    session = str(uuid.uuid4())
    async with RawClient.connected(server.url, server.tokens["ada"]) as client:
        await client.start(session)
        await client.deliver(session, 0, b"before")
        yield
        await client.deliver(session, 1, b"after" * 20_000)
    assert "Traceback" not in server.log_text()


@pytest.mark.parametrize("number", range(len(PACKETS)))
def test_a_malformed_packet_ends_its_own_connection_only(
    server: ServerProcess, number: int
) -> None:
    async def scenario() -> None:
        async with (
            good_client(server),
            RawClient.connected(server.url, server.tokens["bob"]) as bad,
        ):
            with contextlib.suppress(ConnectionError):  # it may end while we still send
                for packet in PACKETS[number]:
                    await bad.send(packet)
            assert await bad.ended()

    asyncio.run(scenario())


def test_wrong_fields_are_answered_and_the_connection_goes_on(server: ServerProcess) -> None:
    async def scenario() -> None:
        session = str(uuid.uuid4())
        async with (
            good_client(server),
            RawClient.connected(server.url, server.tokens["bob"]) as bad,
        ):
            for wrong in IDS:
                await bad.emit("start-session", {"sessionId": wrong})
                assert (await bad.expect("session-error"))["code"] == "invalid_payload"
            for wrong in SEQUENCES:
                payload = json.dumps({"sessionId": session, "sequence": wrong})
                await bad.send(f'451-["audio-chunk",{payload[:-1]},"audio":{PLACEHOLDER}}}]')
                await bad.send(b"x")
                error = await bad.expect("chunk-error", "session-error")
                assert error["code"] == "invalid_payload"
            for wrong in ([], "text", None, 5, {"sessions": [{}] * 300}):
                for event in ("audio-chunk", "stop-session", "sync-check", "pause-session"):
                    await bad.emit(event, wrong)
                    assert (await bad.expect("session-error"))["code"] == "invalid_payload"
            await bad.start(session)
            await bad.deliver(session, 0, b"still fine")

    asyncio.run(scenario())


def test_a_flood_of_random_frames_does_no_harm(server: ServerProcess, rng: random.Random) -> None:
    async def scenario() -> None:
        async with good_client(server):
            for _ in range(60):
                async with RawClient.connected(server.url, server.tokens["bob"]) as bad:
                    with contextlib.suppress(ConnectionError):
                        for _ in range(5):
                            await bad.send(random_frame(rng))

    asyncio.run(scenario())


def test_connections_that_say_nothing_are_ended(server: ServerProcess) -> None:
    async def scenario() -> None:
        async with good_client(server), contextlib.AsyncExitStack() as stack:
            silent = [
                await stack.enter_async_context(RawClient.open(server.url)) for _ in range(50)
            ]
            assert all(await asyncio.gather(*(client.ended() for client in silent)))

    asyncio.run(scenario())


def test_headers_that_never_end_are_not_waited_for(server: ServerProcess) -> None:
    place = urlsplit(server.url)

    def slow() -> bytes:
        with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            return connection.recv(100)

    async def scenario() -> None:
        async with good_client(server):
            ends = await asyncio.gather(*(asyncio.to_thread(slow) for _ in range(5)))
            assert ends == [b""] * 5

    asyncio.run(scenario())


@pytest.mark.parametrize("token", [None, "", "scribe_forged", "x" * 5000])
def test_a_wrong_token_opens_nothing(server: ServerProcess, token: str | None) -> None:
    async def scenario() -> None:
        async with good_client(server), RawClient.open(server.url) as bad:
            await bad.send("40" + json.dumps({"token": token}))
            refusal = await bad.expect("connect_error")
            assert refusal["data"]["code"] in {"unauthorized", "invalid_payload"}
            await bad.send('42["sync-check",{"sessions":[]}]')
            assert await bad.ended()
            assert bad.events == []

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["Host", "Origin"])
@pytest.mark.parametrize(
    "path", ["/healthz", "/api/sessions", "/socket.io/?EIO=4&transport=polling"]
)
def test_foreign_hosts_and_origins_are_refused_everywhere(
    server: ServerProcess, name: str, path: str
) -> None:
    value = "evil.example" if name == "Host" else "http://evil.example"
    reply = rest(server.url, path, token=server.tokens["ada"], headers={name: value})
    assert (reply.status, reply.json["code"]) == (403, "unauthorized")
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_a_foreign_page_cannot_open_a_websocket(server: ServerProcess) -> None:
    async def scenario() -> None:
        url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(url, origin="http://evil.example")
            assert caught.value.status == 403

    asyncio.run(scenario())


def test_another_users_session_looks_like_none_on_every_way_in(server: ServerProcess) -> None:
    session, secret = str(uuid.uuid4()), os.urandom(5000)

    async def sockets() -> None:
        async with (
            RawClient.connected(server.url, server.tokens["ada"]) as ada,
            RawClient.connected(server.url, server.tokens["bob"]) as bob,
        ):
            await ada.start(session)
            await ada.deliver(session, 0, secret)
            await bob.send_chunk(session, 0, b"forged")
            assert (await bob.expect("chunk-error"))["code"] == "not_found"
            for event in ("pause-session", "resume-session", "stop-session"):
                await bob.emit(event, {"sessionId": session})
                assert (await bob.expect("session-error"))["code"] == "not_found"
            have = {"sessionId": session, "have": [[0, 0]], "digest": "0" * 64}
            await bob.emit("sync-check", {"sessions": [have]})
            (state,) = (await bob.expect("sync-state"))["sessions"]
            assert (state["status"], state["stored"]) == ("unknown", [])
            await bob.emit("start-session", {"sessionId": session, "userId": "ada"})
            assert (await bob.expect("session-error"))["code"] == "not_found"

    asyncio.run(sockets())
    document = rest(server.url, "/api/openapi.json").json
    place = "/api/sessions/{id}"
    tried = 0
    for path, operations in document["paths"].items():
        for method in operations:
            if path.startswith(place):
                body = b'{"title":"Taken"}' if method == "patch" else None
                real = path.replace("{id}", session).replace("{sequence}", "0")
                options = {"method": method.upper(), "body": body}
                reply = rest(server.url, real, token=server.tokens["bob"], **options)
                assert (reply.status, reply.json["code"]) == (404, "not_found"), path
                tried += 1
    assert tried >= 6
    assert (
        session.encode() not in rest(server.url, "/api/sessions", token=server.tokens["bob"]).body
    )
    chunk = f"/api/sessions/{session}/chunks/0"
    assert rest(server.url, chunk, token=server.tokens["ada"]).body == secret


def test_no_token_is_in_the_log(server: ServerProcess) -> None:
    assert "listening" in server.log_text()
    assert not any(token in server.log_text() for token in server.tokens.values())
