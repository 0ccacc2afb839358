import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.paths import Paths
from scribe_desktop.server_api import ServerApi
from scribe_desktop.spool import Spool
from scribe_server.protocol import PublicKey, ServerKeys, to_wire
from tests.parts.delivered import PUBLIC_KEY, deliver, receipt_for
from tests.parts.filled_spool import add_session, session_id_of, spool_in

Scribe = Callable[..., Any]
ONE = session_id_of(1)


@pytest.fixture
def spool(paths: Paths) -> Iterator[Spool]:
    with closing(spool_in(paths.spool_dir)) as opened:
        add_session(opened, ONE, chunks=2)
        yield opened


@pytest.fixture
def file(spool: Spool, tmp_path: Path) -> Path:
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(to_wire(receipt_for(spool, ONE))))
    return receipt


def test_a_delivered_recording_is_proven(scribe: Scribe, spool: Spool) -> None:
    deliver(spool, ONE)
    said = scribe("verify", ONE, "--json")
    assert said.code == 0
    assert said.json["proven"]
    assert (said.json["chunks"], said.json["chunksChecked"]) == (2, 2)
    assert "2 of 2 are here and were hashed again" in scribe("verify", ONE[:8]).out


def test_a_recording_without_a_receipt_is_not(scribe: Scribe, spool: Spool) -> None:
    said = scribe("verify", ONE, "--json")
    assert said.code == 5
    assert not said.json["proven"]
    assert "no delivery receipt" in said.err


def test_a_receipt_in_a_file_is_checked_with_the_key_that_is_kept(
    scribe: Scribe, spool: Spool, file: Path
) -> None:
    deliver(spool, ONE)
    said = scribe("verify", str(file), "--json")
    assert said.code == 0
    assert said.json["sessionId"] == ONE


def test_the_line_of_record_is_a_receipt_too(scribe: Scribe, file: Path) -> None:
    file.write_text(json.dumps({"sessionId": ONE, "receipt": json.loads(file.read_text())}))
    assert scribe("verify", str(file), "--key", PUBLIC_KEY).code == 0


def test_a_changed_receipt_does_not_hold(scribe: Scribe, file: Path) -> None:
    file.write_text(file.read_text().replace('"chunks": 2', '"chunks": 3'))
    assert scribe("verify", str(file), "--key", PUBLIC_KEY).code == 5


def test_the_servers_key_is_asked_for(
    scribe: Scribe, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [PublicKey(key_id="a-key", algorithm="ed25519", public_key=PUBLIC_KEY)]

    async def answer(_self: ServerApi) -> ServerKeys:
        return ServerKeys(server_id="a-server", keys=keys)

    monkeypatch.setattr(ServerApi, "keys", answer)
    arguments = ("verify", str(file), "--server", "https://scribe.example")
    assert "The signature holds" in scribe(*arguments).out
    keys[0] = PublicKey(key_id="another", algorithm="ed25519", public_key=PUBLIC_KEY)
    said = scribe(*arguments)
    assert said.code == 5
    assert "does not know the key a-key" in said.err


def test_without_a_key_it_says_what_to_give(scribe: Scribe, file: Path) -> None:
    said = scribe("verify", str(file))
    assert said.code == 2
    assert "--key" in said.err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"receipt": {}}', "no json"])
def test_a_file_without_a_receipt_is_told(scribe: Scribe, tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    said = scribe("verify", str(file))
    assert said.code == 2
    assert "holds no receipt" in said.err


def test_without_recordings_no_id_can_be_verified(scribe: Scribe) -> None:
    assert scribe("verify", "abc").code == 2
