"""The checker finds every kind of loss that it exists for, on a real server and a real spool."""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import invariants
from tests.faults.drill import ViolatedError
from tests.faults.invariants import Source
from tests.parts.delivering import delivering
from tests.parts.filled_spool import add_session, chunk_bytes, session_id_of
from tests.parts.proof import paths_of
from tests.parts.server import ServerProcess

pytestmark = pytest.mark.real
CHUNKS = 6
SIZE = 600
FIRST, SECOND = session_id_of(1), session_id_of(2)


def sha256_of(session_id: str, sequence: int) -> str:
    return hashlib.sha256(chunk_bytes(session_id, sequence, SIZE)).hexdigest()


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, ServerProcess]]:
    """A home whose two sessions are on a running server, and the list of what was promised."""
    folder = tmp_path_factory.mktemp("delivered")
    spool = paths_of(folder / "home").spool_dir
    with ServerProcess(folder / "server") as server:
        with delivering(spool) as desktop:
            for session_id in (FIRST, SECOND):
                add_session(desktop.spool, session_id, chunks=CHUNKS, size=SIZE)
            desktop.deliver_to(server.url, server.token)
            desktop.wait_until_proven(FIRST, SECOND)
        lines = [
            f"{session_id} {sequence} {sha256_of(session_id, sequence)}\n"
            for session_id in (FIRST, SECOND)
            for sequence in range(CHUNKS)
        ]
        (folder / "promised.txt").write_text("".join(lines))
        yield folder, server


@pytest.fixture
def home(delivered: tuple[Path, ServerProcess], tmp_path: Path) -> Path:
    """A copy of the home, to be spoiled."""
    return Path(shutil.copytree(delivered[0] / "home", tmp_path / "home"))


@pytest.fixture
def source(delivered: tuple[Path, ServerProcess], tmp_path: Path) -> Source:
    return Source(SIZE, Path(shutil.copy(delivered[0] / "promised.txt", tmp_path)))


def spoil(home: Path, statement: str) -> None:
    """Run a statement on the spool, past the program."""
    connection = sqlite3.connect(paths_of(home).spool_dir / "spool.sqlite3")
    with connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_nothing_is_found_where_nothing_is_lost(
    delivered: tuple[Path, ServerProcess], home: Path, source: Source
) -> None:
    server = delivered[1]
    assert invariants.check_converged(home, source, server) == 2 * CHUNKS
    assert invariants.check_acked(server, home) == 2 * CHUNKS
    assert invariants.check_acked(server, home, until=1) == 0
    assert invariants.check_promised(home, source, None) == 2 * CHUNKS
    invariants.check_home(home)


def test_a_promise_that_neither_side_keeps_is_found(
    delivered: tuple[Path, ServerProcess], home: Path, source: Source
) -> None:
    with source.promised.open("a") as promised:
        promised.write(f"{FIRST} {CHUNKS} {sha256_of(FIRST, CHUNKS)}\n")
    with pytest.raises(ViolatedError, match="promised and lost"):
        invariants.check_promised(home, source, delivered[1])


def test_an_ack_for_what_the_server_does_not_have_is_found(
    delivered: tuple[Path, ServerProcess], home: Path
) -> None:
    spoil(home, "UPDATE chunks SET sha256 = lower(hex(zeroblob(32))) WHERE sequence = 2")
    with pytest.raises(ViolatedError, match="acked and lost"):
        invariants.check_acked(delivered[1], home)


SPOILED: dict[str, str] = {
    "UPDATE chunks SET acked_at = NULL WHERE sequence = 1": "still wait",
    "UPDATE sessions SET ended_at = NULL WHERE id = 1": "never ended",
    "DELETE FROM chunks WHERE sequence = 3": "a hole",
    "UPDATE audio SET data = zeroblob(600) WHERE chunk = 2": "other bytes",
    "DELETE FROM receipts": "no delivery receipt",
}


@pytest.mark.parametrize("statement", SPOILED)
def test_what_does_not_converge_is_found(
    delivered: tuple[Path, ServerProcess], home: Path, source: Source, statement: str
) -> None:
    spoil(home, statement)
    with pytest.raises(ViolatedError, match=SPOILED[statement]):
        invariants.check_converged(home, source, delivered[1])


def damage_the_rows(folder: Path) -> None:
    connection = sqlite3.connect(folder / "scribe.sqlite3")
    with connection:
        connection.execute("UPDATE chunks SET sha256 = zeroblob(32) WHERE sequence = 1")
    connection.close()


def leave_something(folder: Path) -> None:
    (folder / "something.partial").touch()


@pytest.mark.parametrize(
    ("spoil_it", "words"), [(damage_the_rows, "doctor"), (leave_something, "left behind")]
)
def test_what_is_wrong_in_a_servers_folder_is_found(
    delivered: tuple[Path, ServerProcess],
    tmp_path: Path,
    spoil_it: Callable[[Path], None],
    words: str,
) -> None:
    folder = Path(shutil.copytree(delivered[1].data_dir, tmp_path / "server"))
    invariants.check_stopped_server(folder)
    spoil_it(folder)
    with pytest.raises(ViolatedError, match=words):
        invariants.check_stopped_server(folder)
