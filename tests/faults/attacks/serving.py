"""A server process to be attacked."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from scribe_server.auth import Auth
from scribe_server.store import open_database
from scribe_server.store.database import DATABASE_NAME
from tests.faults.attacks.target import Target
from tests.parts.rest import rest
from tests.parts.server import ServerProcess

UNSTORED = "8M"
"""So little that an attack on the memory is told from what a server needs."""


@contextmanager
def attacked_server(data_dir: Path) -> Iterator[Target]:
    """A server with two users; at the end its log must hold no traceback and no token."""
    flags = ("--max-unstored-bytes", UNSTORED)
    with ServerProcess(data_dir, users=("ada", "bob"), extra_args=flags) as server:
        target = Target(
            url=server.url,
            pid=server.pid,
            good=server.tokens["ada"],
            bad=server.tokens["bob"],
            dead=_dead_tokens(data_dir),
            log=server.log_text,
        )
        yield target
        _compare_counts(server)
        for token in (target.good, target.bad, *target.dead):
            assert token not in server.log_text()


def _compare_counts(server: ServerProcess) -> None:
    """What the server says that it stored since its start is what its new database holds."""
    ready = rest(server.url, "/readyz").json
    with closing(sqlite3.connect(server.data_dir / DATABASE_NAME)) as connection:
        chunks, size = connection.execute("SELECT count(*), sum(size) FROM chunks").fetchone()
        counted = connection.execute("SELECT sum(chunks), sum(bytes) FROM usage").fetchone()
    assert (ready["chunksStored"], ready["bytesStored"]) == (chunks, size) == counted
    assert (ready["unstoredChunks"], ready["unstoredBytes"], ready["sockets"]) == (0, 0, 0)


def _dead_tokens(data_dir: Path) -> tuple[str, str]:
    """An expired one and one that was ended."""
    with closing(open_database(data_dir, data_dir, None)) as database:
        auth = Auth(database, "token")
        ended = auth.create_token("eve")
        assert auth.revoke_token(ended)
        return auth.create_token("eve", expires_at=1), ended
