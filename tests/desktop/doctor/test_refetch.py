from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.config import Settings
from scribe_desktop.credentials import Credentials, MemoryCredentials
from scribe_desktop.doctor.refetch import Refetch, fetch_from
from scribe_desktop.errors import RefusedError, ScribeError, UnreachableError
from scribe_desktop.server_api import ServerApi
from scribe_desktop.spool import Spool
from tests.parts.filled_spool import add_session, chunk_bytes, session_id_of, spool_in

SESSION = session_id_of(1)
ORIGIN = "https://scribe.example"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = spool_in(tmp_path)
    add_session(made, SESSION, chunks=3)
    for sequence in range(3):
        made.set_part_aside(SESSION, sequence)
    yield made
    made.close()


def test_a_part_comes_back_when_its_bytes_are_the_right_ones(spool: Spool) -> None:
    assert Refetch(chunk_bytes).bring_back(spool, SESSION, 0)
    assert not Refetch(lambda *_: b"other").bring_back(spool, SESSION, 1)
    assert not Refetch(None).bring_back(spool, SESSION, 1)


def test_a_refusal_concerns_one_part_and_silence_all(spool: Spool) -> None:
    asked: list[int] = []
    errors: dict[int, ScribeError] = {
        0: RefusedError("No", "There is no such chunk."),
        1: UnreachableError("Away", "Nobody answers."),
    }

    def fetch(session_id: str, sequence: int) -> bytes:
        asked.append(sequence)
        if sequence in errors:
            raise errors[sequence]
        return chunk_bytes(session_id, sequence)

    refetch = Refetch(fetch)
    assert [refetch.bring_back(spool, SESSION, sequence) for sequence in (0, 2, 1, 2)] == [
        False, True, False, False,
    ]  # fmt: skip
    assert asked == [0, 2, 1]


@pytest.mark.parametrize("server", ["", "local"])
def test_there_is_no_way_to_a_server_that_does_not_run(server: str) -> None:
    assert fetch_from(Settings(server=server), MemoryCredentials) is None


def test_without_a_keyring_there_is_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked() -> Credentials:
        raise ScribeError("Locked", "The keyring is locked.")

    assert fetch_from(Settings(server=ORIGIN), locked) is None


def test_a_part_is_asked_for_by_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def chunk(_self: ServerApi, session_id: str, sequence: int) -> bytes:
        return f"{session_id} {sequence}".encode()

    monkeypatch.setattr(ServerApi, "chunk", chunk)
    fetch = fetch_from(Settings(server=ORIGIN), lambda: MemoryCredentials({ORIGIN: "token"}))
    assert fetch is not None
    assert fetch("s", 4) == b"s 4"
