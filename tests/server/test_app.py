import asyncio
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from scribe_server import app
from scribe_server.app import Server
from scribe_server.config import ServerConfig
from scribe_server.errors import StartupError
from scribe_server.http_api import sessions
from scribe_server.sockets import driver
from scribe_server.store import scrubber
from scribe_server.store.files import Files
from tests.parts.damage import flip_chunk
from tests.parts.raw_client import RawClient
from tests.parts.store import SESSION, webm

CHILD_TOKEN = "scribe_child-token-of-this-test"


def config(folder: Path, **settings: Any) -> ServerConfig:
    return ServerConfig(folder, folder, folder, **{"port": 0, **settings})


def test_a_server_takes_its_childs_token_and_forgets_it(tmp_path: Path) -> None:
    async def status(token: str | None, given: str) -> int:
        async with (
            Server(config(tmp_path), child_token=token) as server,
            aiohttp.ClientSession() as session,
            session.get(
                f"{server.url}/api/sessions", headers={"Authorization": f"Bearer {given}"}
            ) as response,
        ):
            return response.status

    assert asyncio.run(status(CHILD_TOKEN, CHILD_TOKEN)) == 200
    assert asyncio.run(status(None, CHILD_TOKEN)) == 401


def test_a_childs_token_may_be_somebodys_and_the_disk_be_another(tmp_path: Path) -> None:
    opened: list[Path] = []

    class Watched(Files):
        def open(self, path: Path) -> int:
            opened.append(path)
            return super().open(path)

    async def names() -> tuple[str, str]:
        async with Server(
            config(tmp_path), child_token=CHILD_TOKEN, child_user="ann", files=Watched()
        ) as server:
            async with RawClient.open(server.url) as client:
                await client.send("40" + json.dumps({"token": CHILD_TOKEN}))
                welcome = await client.expect("welcome")
                await client.start(SESSION)
                await client.deliver(SESSION, 0, b"sound")
            return welcome["userId"], server.config.auth

    assert asyncio.run(names()) == ("ann", "token")
    assert [path.suffix for path in opened] == [".seg"]


def test_a_port_in_use_is_told_with_a_remedy_and_leaves_the_folder_free(tmp_path: Path) -> None:
    async def start(port: int) -> str:
        async with Server(config(tmp_path, port=port)) as server:
            return server.url

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StartupError, match="Cannot listen") as caught:
            asyncio.run(start(taken.getsockname()[1]))
    assert "PORT" in caught.value.remedy
    assert asyncio.run(start(0)).startswith("http://127.0.0.1:")


def test_an_unusable_cache_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder", encoding="ascii")

    async def start() -> None:
        async with Server(config(tmp_path)):
            raise AssertionError("it started")

    with pytest.raises(StartupError, match="audio cache"):
        asyncio.run(start())


def test_a_file_that_the_system_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "server.lock").mkdir()

    async def start() -> None:
        async with Server(config(tmp_path)):
            raise AssertionError("it started")

    with pytest.raises(StartupError, match=r"server\.lock"):
        asyncio.run(start())


@pytest.mark.logs_errors
def test_damage_on_the_disk_is_healed_by_a_connected_recorder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scrubber, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(scrubber, "PASS_DAYS", 0)

    async def scenario() -> Any:
        async with (
            Server(config(tmp_path, scrub_mb_per_s=1000.0), child_token=CHILD_TOKEN) as server,
            RawClient.open(server.url) as client,
        ):
            await client.send("40" + json.dumps({"token": CHILD_TOKEN, "protocol": 1}))
            await client.expect("welcome")
            await client.start(SESSION)
            await client.deliver(SESSION, 0, webm(b"sound"))
            flip_chunk(tmp_path, 0)
            incomplete = await client.expect("session-incomplete")
            ack = await client.deliver(SESSION, 0, webm(b"sound"))
            return incomplete, ack

    incomplete, ack = asyncio.run(scenario())
    assert incomplete == {"sessionId": SESSION, "missingRanges": [[0, 0]]}
    assert ack["duplicate"] is False
    assert "chunk 0 of session" in caplog.text


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_headers_that_come_a_letter_at_a_time_are_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    monkeypatch.setattr(app, "IDLE_CONNECTION_S", 0.3)

    async def scenario() -> int:
        async with Server(config(tmp_path)) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
            writer.write(before + b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            sent = 0
            ended = asyncio.get_running_loop().create_task(reader.read(-1))
            try:
                while not ended.done():
                    writer.write(b"x")
                    sent += 1
                    await asyncio.sleep(0.05)
                    assert sent < 200, "it waited for ten seconds"
            finally:
                ended.cancel()
                await asyncio.gather(ended, return_exceptions=True)
                writer.close()
            return sent

    assert asyncio.run(scenario()) > 1


async def first_line_of_a_slow_body(port: int, head: str) -> bytes:
    """Send headers that promise a body, and a letter of it now and then; what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n".encode())
    answered = asyncio.get_running_loop().create_task(reader.readline())
    try:
        for _ in range(200):
            if answered.done():
                break
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert answered.done(), "it waited for ten seconds"
        return answered.result()
    finally:
        answered.cancel()
        await asyncio.gather(answered, return_exceptions=True)
        writer.close()


def test_a_body_that_comes_a_letter_at_a_time_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "BODY_TIMEOUT_S", 0.3)
    monkeypatch.setattr(driver, "BODY_TIMEOUT_S", 0.3)

    async def scenario() -> list[bytes]:
        async with (
            Server(config(tmp_path), child_token=CHILD_TOKEN) as server,
            aiohttp.ClientSession() as session,
            session.get(f"{server.url}/socket.io/?EIO=4&transport=polling") as opened,
        ):
            port = urlsplit(server.url).port
            assert port is not None
            sid = json.loads((await opened.text())[1:])["sid"]
            rename = f"PATCH /api/sessions/{SESSION} HTTP/1.1\r\nAuthorization: Bearer "
            poll = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1"
            return [
                await first_line_of_a_slow_body(port, head) for head in (rename + CHILD_TOKEN, poll)
            ]

    renamed, polled = asyncio.run(scenario())
    assert b" 408 " in renamed
    assert b" 400 " in polled
