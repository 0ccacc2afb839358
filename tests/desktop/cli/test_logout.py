from collections.abc import Callable
from typing import Any

import pytest

from scribe_desktop.app import App
from scribe_desktop.cli.shell import open_shell
from scribe_desktop.config import save_settings
from scribe_desktop.credentials import KeyringCredentials, MemoryCredentials
from scribe_desktop.paths import Paths
from tests.parts.fake_app_parts import Made

Scribe = Callable[..., Any]
ORIGIN = "https://scribe.example"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    forgotten: list[str] = []
    monkeypatch.setattr(KeyringCredentials, "delete", lambda _, origin: forgotten.append(origin))
    return forgotten


def test_the_token_is_forgotten_and_the_built_in_server_used(
    scribe: Scribe, paths: Paths, environ: dict[str, str], forgotten: list[str]
) -> None:
    save_settings(paths, server=ORIGIN)
    assert scribe("logout", "--json").json == {"server": ORIGIN}
    assert forgotten == [ORIGIN]
    assert open_shell(environ).settings.server == "local"


def test_another_servers_token_can_be_forgotten(
    scribe: Scribe, paths: Paths, environ: dict[str, str], forgotten: list[str]
) -> None:
    save_settings(paths, server=ORIGIN)
    assert scribe("logout", "https://other.example").code == 0
    assert forgotten == ["https://other.example"]
    assert open_shell(environ).settings.server == ORIGIN


def test_who_is_not_signed_in_is_told(scribe: Scribe, forgotten: list[str]) -> None:
    assert scribe("logout").code == 2
    assert forgotten == []


def test_a_running_instance_goes_back_to_the_built_in_server(
    scribe: Scribe, paths: Paths, environ: dict[str, str], made: Made
) -> None:
    save_settings(paths, server=ORIGIN)
    settings = open_shell(environ).settings
    owner = App(settings, paths, MemoryCredentials(), environ={}, parts=made.parts())
    owner.start()
    assert scribe("logout").code == 0
    assert owner.settings.server == "local"
    owner.stop()
