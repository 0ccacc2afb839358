from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.errors import NotDeliveredError, ScribeError
from scribe_desktop.local_server import LocalEndpoint, LocalServer
from scribe_desktop.selftest.relay import Relay
from scribe_desktop.selftest.stage import Stage
from scribe_desktop.sync.engine import SyncEngine
from tests.parts.delivered import deliver
from tests.parts.filled_spool import add_session, session_id_of, spool_in

ENDPOINT = LocalEndpoint("http://127.0.0.1:4711", "server", 99, "token")


class AimedRelay(Relay):
    """Remembers where it is aimed."""

    port = 0

    def aim(self, port: int) -> None:
        self.port = port
        super().aim(port)


@pytest.fixture
def relay() -> Iterator[AimedRelay]:
    with AimedRelay() as made:
        yield made


def stage_in(
    folder: Path, relay: Relay, *, patience_s: float = 0.0, interrupt: bool = False
) -> Stage:
    return Stage(folder, {}, relay, pause=lambda _: interrupt, patience_s=patience_s)


def test_everything_lies_in_its_folder(tmp_path: Path, relay: Relay) -> None:
    stage = stage_in(tmp_path, relay)
    places = (stage.paths.spool_dir, stage.paths.server_dir, stage.paths.log_file)
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert stage.app.settings.server == "local"
    assert stage.paths.resource("sample-speech.flac").is_file()


def test_the_engine_speaks_to_the_server_through_the_relay(
    tmp_path: Path, relay: AimedRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks: list[Callable[[LocalEndpoint | None], None]] = []

    def init(_self: LocalServer, **given: Any) -> None:
        callbacks.append(given["on_endpoint"])

    monkeypatch.setattr(LocalServer, "__init__", init)
    stage = stage_in(tmp_path, relay)
    told: list[LocalEndpoint | None] = []
    stage._make_server(tmp_path, tmp_path, told.append, {})
    with pytest.raises(ScribeError, match="does not run"):
        assert stage.endpoint
    callbacks[0](ENDPOINT)
    assert stage.endpoint == ENDPOINT
    assert told[0] is not None
    assert (told[0].origin, told[0].token) == (relay.origin, "token")
    assert relay.port == 4711
    callbacks[0](None)
    assert told[1] is None
    with pytest.raises(ScribeError, match="does not run"):
        assert stage.endpoint


def test_the_engine_is_the_real_one(tmp_path: Path, relay: Relay) -> None:
    stage = stage_in(tmp_path, relay)
    made = stage._make_sync(tmp_path, "device", lambda _: None, lambda _: None, lambda: 0)
    assert isinstance(made, SyncEngine)


def test_waiting_ends_when_it_is_so_or_in_vain_or_by_the_person(
    tmp_path: Path, relay: Relay
) -> None:
    stage_in(tmp_path, relay).wait("it is so", lambda: True)
    with pytest.raises(NotDeliveredError, match="0 s until pigs fly"):
        stage_in(tmp_path, relay).wait("pigs fly", lambda: False)
    with pytest.raises(NotDeliveredError, match="Interrupted before pigs fly"):
        stage_in(tmp_path, relay, patience_s=9, interrupt=True).wait("pigs fly", lambda: False)


def test_a_session_is_delivered_with_its_last_ack_and_its_receipt(
    tmp_path: Path, relay: Relay
) -> None:
    stage, session_id = stage_in(tmp_path, relay), session_id_of(1)
    spool = spool_in(stage.paths.spool_dir)
    add_session(spool, session_id, chunks=2)
    with pytest.raises(NotDeliveredError, match="everything is on the server"):
        stage.wait_delivered(session_id)
    deliver(spool, session_id)
    spool.close()
    stage.wait_delivered(session_id)
    with pytest.raises(ScribeError, match="is not in the spool"):
        stage.session(session_id_of(2))
