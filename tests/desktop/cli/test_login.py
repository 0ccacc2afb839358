import io
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from scribe_desktop.app import App
from scribe_desktop.cli.shell import open_shell
from scribe_desktop.config import Settings
from scribe_desktop.credentials import KeyringCredentials, MemoryCredentials
from scribe_desktop.errors import RefusedError, ScribeError
from scribe_desktop.paths import Paths
from scribe_desktop.server_api import ServerApi
from scribe_desktop.spool import Spool
from scribe_desktop.sync.identity import Identities
from scribe_desktop.sync.target import ServerTarget
from scribe_server.protocol import PublicKey, ServerKeys, SessionList
from tests.parts.fake_app_parts import Made
from tests.parts.processes import wait_until

Scribe = Callable[..., Any]
ORIGIN = "https://scribe.example"
TOKEN = "scribe_" + "a" * 43


class Server:
    """What the fake server says."""

    def __init__(self) -> None:
        self.server_id = "a-server"
        self.asked: list[str | None] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        server = self

        async def keys(api: ServerApi) -> ServerKeys:
            server.asked.append(api._token)
            key = PublicKey(key_id="k", algorithm="ed25519", public_key="00")
            return ServerKeys(server_id=server.server_id, keys=[key])

        async def sessions(api: ServerApi, **_: Any) -> SessionList:
            server.asked.append(api._token)
            if api._token != TOKEN:
                raise RefusedError("The server refused", "Sign in: the token is wrong.")
            return SessionList(sessions=[], next=None)

        monkeypatch.setattr(ServerApi, "keys", keys)
        monkeypatch.setattr(ServerApi, "sessions", sessions)


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    server.install(monkeypatch)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    return server


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> MemoryCredentials:
    kept = MemoryCredentials()
    monkeypatch.setattr(KeyringCredentials, "set", lambda _, origin, token: kept.set(origin, token))
    return kept


def test_a_good_token_is_kept_and_the_server_used_and_known(
    scribe: Scribe, environ: dict[str, str], paths: Paths, kept: MemoryCredentials
) -> None:
    said = scribe("login", "HTTPS://scribe.example/", "--json")
    assert said.json == {"server": ORIGIN, "serverId": "a-server", "stored": True}
    assert kept.get(ORIGIN) == TOKEN
    assert open_shell(environ).settings.server == ORIGIN
    with closing(Spool.open_read_only(paths.spool_dir)) as spool:
        pinned = Identities(spool).pinned(ServerTarget(ORIGIN, None), "")
    assert pinned is not None
    assert pinned.server_id == "a-server"
    assert TOKEN not in said.out + said.err


def test_a_token_that_the_server_refuses_is_not_kept(
    scribe: Scribe, environ: dict[str, str], kept: MemoryCredentials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO("wrong\n"))
    said = scribe("login", ORIGIN)
    assert said.code == 5
    assert kept.get(ORIGIN) is None
    assert open_shell(environ).settings.server == "local"


def test_another_server_at_a_known_address_never_sees_the_token(
    scribe: Scribe, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scribe("login", ORIGIN).code == 0
    server.server_id = "an-impostor"
    server.asked.clear()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    said = scribe("login", ORIGIN)
    assert said.code == 5
    assert "--new-identity" in said.err
    assert server.asked == [None]
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    assert scribe("login", "--new-identity", ORIGIN).code == 0


def test_plain_http_to_another_computer_is_refused(scribe: Scribe, server: Server) -> None:
    said = scribe("login", "http://192.0.2.1")
    assert said.code == 2
    assert "in the clear" in said.err
    assert server.asked == []


@pytest.mark.parametrize("text", ["", "\n", "two words\n"])
def test_what_is_no_token_is_refused(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    assert scribe("login", ORIGIN).code == 2


def test_on_a_terminal_the_token_is_asked_for_and_not_shown(
    scribe: Scribe, kept: MemoryCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: TOKEN)
    said = scribe("login", ORIGIN)
    assert said.code == 0
    assert kept.get(ORIGIN) == TOKEN
    assert TOKEN not in said.out + said.err


def test_without_a_keyring_a_running_instance_gets_the_token_for_its_run(
    scribe: Scribe, made: Made, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise ScribeError("No keyring", "There is none.", "Install one.")

    monkeypatch.setattr(KeyringCredentials, "set", refuse)
    alone = scribe("login", ORIGIN)
    assert alone.code == 1
    assert "Install one." in alone.err
    owner = App(Settings(), paths, MemoryCredentials(), environ={}, parts=made.parts())
    owner.start()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TOKEN}\n"))
    said = scribe("login", ORIGIN, "--json")
    assert said.json["stored"] is False
    wait_until(lambda: made.sync.targets[-1], timeout_s=10, what="the target")
    assert made.sync.targets[-1] == ServerTarget(ORIGIN, TOKEN)
    owner.stop()
