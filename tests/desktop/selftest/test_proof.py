from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.errors import RefusedError
from scribe_desktop.local_server import LocalEndpoint
from scribe_desktop.selftest.proof import prove
from scribe_desktop.server_api import ServerApi
from scribe_desktop.spool import Spool
from scribe_server.protocol import PublicKey, ServerKeys, StoredChunk
from tests.parts.delivered import PUBLIC_KEY, deliver
from tests.parts.filled_spool import add_session, session_id_of, spool_in

SESSION = session_id_of(1)
ENDPOINT = LocalEndpoint("http://127.0.0.1:1", "a-server", 1, "token")


class Server:
    """What the server has, taken from a spool; a test changes it."""

    def __init__(self, spool: Spool) -> None:
        self.key = PUBLIC_KEY
        self.data = {
            chunk.sequence: spool.chunk_data(SESSION, chunk.sequence)
            for chunk in spool.chunks(SESSION)
        }
        self.listed = [
            StoredChunk(chunk.sequence, chunk.sha256, chunk.size, "stored")
            for chunk in spool.chunks(SESSION)
        ]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = spool_in(tmp_path)
    add_session(made, SESSION, chunks=3)
    yield made
    made.close()


@pytest.fixture
def server(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server(spool)

    async def keys(_self: ServerApi) -> ServerKeys:
        return ServerKeys("a-server", [PublicKey("a-key", "Ed25519", made.key)])

    async def chunks(_self: ServerApi, _session_id: str) -> list[StoredChunk]:
        return made.listed

    async def chunk(_self: ServerApi, _session_id: str, sequence: int) -> bytes:
        if sequence not in made.data:
            raise RefusedError("The server refused", "The server has no such chunk.")
        return made.data[sequence]

    monkeypatch.setattr(ServerApi, "keys", keys)
    monkeypatch.setattr(ServerApi, "chunks", chunks)
    monkeypatch.setattr(ServerApi, "chunk", chunk)
    return made


def test_a_session_that_is_there_byte_for_byte_and_signed_for_is_proven(
    spool: Spool, server: Server
) -> None:
    deliver(spool, SESSION)
    totals = prove(spool, ENDPOINT)
    assert (totals.recorded, totals.stored, totals.recordings, totals.receipts) == (3, 3, 1, 1)
    assert totals.whole


def test_a_chunk_that_the_server_does_not_give_back_is_lost(spool: Spool, server: Server) -> None:
    deliver(spool, SESSION)
    del server.data[1]
    totals = prove(spool, ENDPOINT)
    assert (totals.lost, totals.whole) == (1, False)
    assert "chunk 1: The server has no such chunk." in totals.problems[0]


def test_other_bytes_are_lost_bytes(spool: Spool, server: Server) -> None:
    deliver(spool, SESSION)
    server.data[2] = b"other"
    totals = prove(spool, ENDPOINT)
    assert (totals.lost, totals.whole) == (1, False)
    assert "the server has other bytes" in totals.problems[0]


def test_a_server_that_lists_something_else_is_told(spool: Spool, server: Server) -> None:
    deliver(spool, SESSION)
    server.listed = [*server.listed, server.listed[-1]]
    totals = prove(spool, ENDPOINT)
    assert not totals.whole
    assert "lists other chunks" in totals.problems[0]


def test_without_a_receipt_nothing_is_proven(spool: Spool, server: Server) -> None:
    totals = prove(spool, ENDPOINT)
    assert (totals.stored, totals.receipts, totals.whole) == (3, 0, False)


def test_a_receipt_of_another_key_than_the_servers_does_not_count(
    spool: Spool, server: Server
) -> None:
    deliver(spool, SESSION)
    server.key = "00" * 32
    totals = prove(spool, ENDPOINT)
    assert (totals.receipts, totals.whole) == (0, False)
    assert "key of somebody else" in totals.problems[0]
