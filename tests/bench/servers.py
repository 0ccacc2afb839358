"""Ours and the peers, each started in a folder of its own and ended afterwards."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.bench.driving import Server
from tests.bench.job import Dialect
from tests.bench.postgres import Postgres, free_port
from tests.parts.processes import Process, program
from tests.parts.server import ServerProcess

PEERS = Path(__file__).resolve().parent / "peers"


@contextmanager
def scribe(folder: Path) -> Iterator[Server]:
    """Our server as it is started by everybody, tokens and all."""
    with ServerProcess(folder / "data") as server:
        yield Server(server.url, "scribe", (server.pid,), server.token)


@contextmanager
def node_plain(folder: Path) -> Iterator[Server]:
    """The official Socket.IO server, storing nothing."""
    with _node(folder, "socketio.js", "none") as server:
        yield server


@contextmanager
def node_file_postgres(folder: Path, *, fsync: bool = False) -> Iterator[Server]:
    """The official Socket.IO server with a file per chunk and a row in PostgreSQL."""
    store = folder / "chunks"
    store.mkdir()
    with Postgres(folder) as postgres:
        env = {"DATABASE_URL": postgres.url, "FSYNC": "1" if fsync else "0"}
        with _node(folder, "socketio.js", "file", str(store), env=env) as server:
            yield Server(server.url, server.dialect, (*server.pids, postgres.pid))


@contextmanager
def tus(folder: Path) -> Iterator[Server]:
    """The official tus server with files."""
    store = folder / "uploads"
    store.mkdir()
    with _node(folder, "tus.js", str(store), dialect="tus") as server:
        yield server


@contextmanager
def python_socketio(folder: Path) -> Iterator[Server]:
    """python-socketio on aiohttp and uvloop, storing nothing."""
    with _instant(folder, "socketio") as server:
        yield server


@contextmanager
def thin(folder: Path) -> Iterator[Server]:
    """The same packets by hand on picows, storing nothing."""
    with _instant(folder, "thin") as server:
        yield server


def _instant(folder: Path, kind: str) -> AbstractContextManager[Server]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.instant", kind, str(port)]
    return _started(command, port, folder, "callback", {})


def _node(
    folder: Path, script: str, *words: str, dialect: Dialect = "callback",
    env: Mapping[str, str] | None = None,
) -> AbstractContextManager[Server]:  # fmt: skip
    port = free_port()
    command = [program("node"), str(PEERS / script), str(port), *words]
    return _started(command, port, folder, dialect, env or {})


@contextmanager
def _started(
    command: Sequence[str], port: int, folder: Path, dialect: Dialect, env: Mapping[str, str]
) -> Iterator[Server]:
    name = Path(command[0]).name
    process = Process(name, command, env={**os.environ, **env}, log=folder / "server.log")
    try:
        process.wait_ready(lambda: _listens(port), what=f"listens on {port}")
        yield Server(f"http://127.0.0.1:{port}", dialect, (process.pid,))
        if not process.alive:
            raise process.failed("ended while it was measured")
    finally:
        process.end()


def _listens(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0
