"""A sync engine that delivers a spool to a server process, and what both sides have then."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scribe_desktop.library.receipts import verify_session
from scribe_desktop.model import SyncState, SyncStatus
from scribe_desktop.server_api import ServerApi, blocking
from scribe_desktop.spool import Spool
from scribe_desktop.sync import ServerTarget, SyncEngine
from tests.parts.processes import wait_until


class Delivering:
    """The engine on its own thread, and the spool as the test's thread sees it."""

    def __init__(self, folder: Path, device_id: str) -> None:
        self.spool = Spool.open(folder)
        self.target: ServerTarget | None = None
        self.statuses: list[SyncStatus] = []
        self.changed: list[str] = []
        self.engine = SyncEngine(
            spool_folder=folder,
            device_id=device_id,
            on_status=self.statuses.append,
            on_session=self.changed.append,
        )

    @property
    def status(self) -> SyncStatus:
        return self.engine.status

    def deliver_to(self, origin: str, token: str | None) -> None:
        self.target = ServerTarget(origin, token)
        self.engine.set_target(self.target)

    def wait_for_error(self, code: str) -> None:
        wait_until(lambda: self.status.error_code == code, timeout_s=30, what=f"error {code}")

    def wait_until_proven(self, *session_ids: str, timeout_s: float = 60) -> None:
        """Return once every session has a receipt; then both sides are compared."""

        def done() -> bool:
            sessions = [self.spool.session(session_id) for session_id in session_ids]
            return self.status.state is SyncState.IDLE and all(
                session is not None and session.has_receipt for session in sessions
            )

        wait_until(done, timeout_s=timeout_s, what=f"receipts; the engine says {self.status}")
        for session_id in session_ids:
            self.compare(session_id)

    def compare(self, session_id: str) -> None:
        """The receipt holds, and the server has every chunk once with the same hash."""
        verification = verify_session(self.spool, session_id)
        assert verification.problems == ()
        assert self.on_server(session_id) == {
            chunk.sequence: chunk.sha256 for chunk in self.spool.chunks(session_id)
        }

    def on_server(self, session_id: str) -> dict[int, str]:
        """What the server has of a session, as it says over REST."""
        assert self.target is not None
        api = ServerApi(self.target.origin, self.target.token)
        chunks = blocking(api.chunks(session_id))
        assert len({chunk.sequence for chunk in chunks}) == len(chunks)
        assert {chunk.state for chunk in chunks} <= {"stored"}
        return {chunk.sequence: chunk.sha256 for chunk in chunks}


@contextmanager
def delivering(folder: Path, *, device_id: str = "a-device") -> Iterator[Delivering]:
    """A running engine without a target; it is stopped at the end."""
    made = Delivering(folder, device_id)
    made.engine.start()
    try:
        yield made
    finally:
        made.engine.stop(2.0)
        made.spool.close()
