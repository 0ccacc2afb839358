import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scribe_server.app import Server
from scribe_server.config import ServerConfig
from scribe_server.errors import StartupError
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
