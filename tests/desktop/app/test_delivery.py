from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from scribe_desktop.app.delivery import Delivery
from scribe_desktop.config import Settings
from scribe_desktop.credentials import MemoryCredentials
from scribe_desktop.errors import ScribeError
from scribe_desktop.local_server import LocalEndpoint
from scribe_desktop.sync.target import ServerTarget
from tests.parts.fake_app_parts import FakeServer, FakeSync, Made, paths_in
from tests.parts.processes import wait_until

ORIGIN = "https://scribe.example"


class LockedCredentials(MemoryCredentials):
    @override
    def get(self, origin: str) -> str | None:
        raise ScribeError("No keyring", "It is locked.")


@pytest.fixture
def sync(tmp_path: Path) -> FakeSync:
    return FakeSync(tmp_path, "device", lambda _: None, lambda _: None)


@pytest.fixture
def made() -> Made:
    return Made()


def delivery(sync: FakeSync, made: Made, folder: Path, tokens: Any = None) -> Delivery:
    keep = tokens or MemoryCredentials({ORIGIN: "kept"})
    return Delivery(sync, made.parts().server, paths_in(folder), keep, {})


def last_target(sync: FakeSync) -> ServerTarget | None:
    wait_until(lambda: sync.targets, timeout_s=10, what="a target")
    target: ServerTarget | None = sync.targets[-1]
    return target


def started_server(made: Made) -> FakeServer:
    wait_until(lambda: made.servers and made.server.calls, timeout_s=10, what="a server")
    return made.server


def test_the_built_in_server_is_started_and_its_endpoint_becomes_the_target(
    sync: FakeSync, made: Made, tmp_path: Path
) -> None:
    parts = delivery(sync, made, tmp_path)
    parts.start(Settings())
    server = started_server(made)
    server.on_endpoint(LocalEndpoint("http://127.0.0.1:5", "s", 1, "token"))
    assert sync.targets[-1] == ServerTarget("http://127.0.0.1:5", "token", local=True)
    server.on_endpoint(None)
    assert sync.targets[-1] is not None
    parts.stop()
    assert (server.calls, sync.calls) == (["start", "stop"], ["start", "stop"])


def test_a_server_elsewhere_gets_the_token_that_is_kept_for_it(
    sync: FakeSync, made: Made, tmp_path: Path
) -> None:
    delivery(sync, made, tmp_path).start(Settings(server=ORIGIN))
    assert last_target(sync) == ServerTarget(ORIGIN, "kept")
    assert made.servers == []


def test_a_token_for_this_run_goes_before_the_kept_one(
    sync: FakeSync, made: Made, tmp_path: Path
) -> None:
    parts = delivery(sync, made, tmp_path)
    parts.tokens.set(ORIGIN, "for this run")
    parts.start(Settings(server=ORIGIN))
    assert last_target(sync) == ServerTarget(ORIGIN, "for this run")


def test_without_a_keyring_the_target_has_no_token(
    sync: FakeSync, made: Made, tmp_path: Path
) -> None:
    delivery(sync, made, tmp_path, LockedCredentials()).start(Settings(server=ORIGIN))
    assert last_target(sync) == ServerTarget(ORIGIN, None)


@pytest.mark.parametrize("server", ["", "http://192.0.2.1"])
def test_without_a_server_or_protection_there_is_no_target(
    sync: FakeSync, made: Made, tmp_path: Path, server: str
) -> None:
    delivery(sync, made, tmp_path).start(Settings(server=server))
    assert last_target(sync) is None


def test_going_elsewhere_ends_the_built_in_server(
    sync: FakeSync, made: Made, tmp_path: Path
) -> None:
    parts = delivery(sync, made, tmp_path)
    parts.start(Settings())
    server = started_server(made)
    parts.retarget(Settings(server=ORIGIN))
    wait_until(lambda: "stop" in server.calls, timeout_s=10, what="the server's end")
    wait_until(lambda: sync.targets[-1], timeout_s=10, what="the target")
    server.on_endpoint(LocalEndpoint("http://127.0.0.1:5", "s", 1, "late"))
    assert sync.targets[-1] == ServerTarget(ORIGIN, "kept")


def test_the_built_in_servers_failure_can_be_read(
    sync: FakeSync, made: Made, tmp_path: Path
) -> None:
    parts = delivery(sync, made, tmp_path)
    assert parts.server_failure == ""
    parts.start(Settings())
    started_server(made).failure = "no room"
    assert parts.server_failure == "no room"


def test_wishes_are_passed_on(sync: FakeSync, made: Made, tmp_path: Path) -> None:
    parts = delivery(sync, made, tmp_path)
    parts.wake()
    parts.send_now()
    parts.set_paused(True)
    assert sync.calls == ["wake", "send_now", "paused True"]


def test_a_new_engine_goes_on_where_the_old_one_was(
    sync: FakeSync, made: Made, tmp_path: Path
) -> None:
    parts = delivery(sync, made, tmp_path)
    parts.start(Settings(server=ORIGIN))
    target = last_target(sync)
    parts.set_paused(True)
    parts.release()
    assert sync.calls[-1] == "stop"
    other = FakeSync(tmp_path, "device", lambda _: None, lambda _: None)
    parts.resume(other)
    assert other.calls == ["start", "paused True"]
    assert other.targets == [target]
    assert made.servers == []
