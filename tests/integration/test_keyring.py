"""Signing in with a real keyring (gnome-keyring over D-Bus) and a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts.capture import tone
from tests.parts.desktop import Desktop
from tests.parts.desktop_session import DesktopSession
from tests.parts.server import ServerProcess
from tests.parts.sound import RATE, write_wav

pytestmark = pytest.mark.real


@pytest.fixture
def session() -> Iterator[DesktopSession]:
    with DesktopSession(tray=False) as session:
        yield session


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "server") as server:
        yield server


def test_a_token_is_kept_used_and_forgotten(
    session: DesktopSession, server: ServerProcess, tmp_path: Path
) -> None:
    desktop = Desktop(tmp_path / "home", env=session.env)
    sound = str(write_wav(tmp_path / "sound.wav", tone(2 * RATE)[:, 0]))
    record = ("record", "--input", sound, "--speed", "max", "--wait")

    desktop.run("login", server.url, stdin="scribe_wrong\n", expect=5)
    told = desktop.run("login", server.url, stdin=f"{server.token}\n", json=True)
    assert told.json == {"server": server.url, "serverId": server.server_id, "stored": True}

    recorded = desktop.run(*record, "--timeout", "60", json=True)
    assert recorded.json["receipt"]["serverId"] == server.server_id
    levels = {
        check["name"]: check["level"] for check in desktop.run("doctor", json=True).json["checks"]
    }
    assert (levels["keyring"], levels["server"], levels["clock"]) == ("ok", "ok", "ok")

    files = [file for file in desktop.home.rglob("*") if file.is_file()]
    assert not [file for file in files if server.token.encode() in file.read_bytes()]

    desktop.run("logout")
    desktop.run(*record, "--timeout", "3", "--server", server.url, expect=6)


def test_without_a_keyring_the_token_is_for_one_run(server: ServerProcess, tmp_path: Path) -> None:
    desktop = Desktop(tmp_path / "home")
    told = desktop.run("login", server.url, stdin=f"{server.token}\n", expect=1)
    assert "SCRIBE_TOKEN" in told.stderr
    sound = str(write_wav(tmp_path / "sound.wav", tone(2 * RATE)[:, 0]))
    recorded = desktop.run(
        *("record", "--input", sound, "--speed", "max", "--wait", "--timeout", "60"),
        *("--server", server.url),
        json=True,
        env={"SCRIBE_TOKEN": server.token},
    )
    assert recorded.json["state"] == "verified"
