import asyncio
import urllib.request
from pathlib import Path

import psutil
import pytest

from scribe_server.loadtest import server as module
from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.server import OwnServer


def test_an_own_server_answers_its_token_and_is_gone_afterwards(tmp_path: Path) -> None:
    async def use() -> tuple[int, int]:
        async with asyncio.timeout(25), OwnServer(tmp_path, user="ann") as server:
            request = urllib.request.Request(  # noqa: S310 - the test's own server
                server.url + "/api/sessions", headers={"Authorization": f"Bearer {server.token}"}
            )
            status = await asyncio.to_thread(lambda: urllib.request.urlopen(request).status)  # noqa: S310 - as above
            return status, server.pid

    status, pid = asyncio.run(use())
    assert status == 200
    assert not psutil.pid_exists(pid)


def test_settings_of_the_persons_own_server_do_not_reach_it() -> None:
    given = {"PATH": "/bin", "DATA_DIR": "/precious", "AUTH": "none", "SCRIBE_TOKEN": "secret"}
    assert module._environment(given) == {"PATH": "/bin"}


def test_a_server_that_does_not_start_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder", encoding="ascii")

    async def use() -> None:
        async with OwnServer(tmp_path, user="ann"):
            raise AssertionError("it started")

    with pytest.raises(LoadtestError, match="cannot be made"):
        asyncio.run(use())
