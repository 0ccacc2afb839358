"""Lives over real sockets: the whole server, and the sync engine of a desktop."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from scribe_desktop.model import SyncState
from scribe_desktop.spool import Spool
from scribe_desktop.sync import ServerTarget, SyncEngine
from scribe_server.app import run
from scribe_server.auth import Auth
from scribe_server.config import ServerConfig
from scribe_server.store import open_database
from tests.faults.crash_points.client import record
from tests.faults.crash_points.server import FOLDER

_PATIENCE_S = 25
_LOOK_S = 0.02


def serve(folder: Path) -> None:
    """The server as `python -m scribe_server` runs it, on the port that it had before."""
    place, port = folder / FOLDER, folder / "port"
    place.mkdir(exist_ok=True)
    if not (folder / "token").exists():
        with closing(open_database(place, place, None)) as database:
            (folder / "token").write_text(Auth(database, "token").create_token("anna"))

    def announce(url: str, _server_id: str) -> None:
        port.write_text(url.rpartition(":")[2])
        ready(folder).touch()

    number = int(port.read_text()) if port.exists() else 0
    run(ServerConfig(place, place, place / "archives", port=number, scrub_mb_per_s=0), announce)


def ready(folder: Path) -> Path:
    """The file that is there once the server listens."""
    return folder / "ready"


def deliver(folder: Path) -> None:
    """Record, and let the engine deliver until it has every receipt."""
    with closing(Spool.open(folder / "client")) as spool:
        record(folder, spool)
        engine = SyncEngine(
            spool_folder=folder / "client",
            device_id="a-device",
            on_status=lambda _: None,
            on_session=lambda _: None,
        )
        engine.start()
        origin = f"http://127.0.0.1:{(folder / 'port').read_text()}"
        engine.set_target(ServerTarget(origin, (folder / "token").read_text()))
        _wait(
            lambda: (
                engine.status.state is SyncState.IDLE
                and not spool.pending()
                and not spool.sessions_awaiting_receipt()
            )
        )
        engine.stop(2.0)


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it does not come to its end"
        time.sleep(_LOOK_S)
