"""A Scribe of its own in a temporary folder: the real parts, with faults between them."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from scribe_desktop.app import App
from scribe_desktop.app.parts import Parts, ServerPart, SyncPart
from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.config import Settings
from scribe_desktop.credentials import MemoryCredentials
from scribe_desktop.errors import NotDeliveredError, ScribeError
from scribe_desktop.local_server import LocalEndpoint, LocalServer
from scribe_desktop.model import Session, SyncStatus
from scribe_desktop.paths import resolve_paths
from scribe_desktop.selftest.relay import Relay
from scribe_desktop.selftest.wire import Wire
from scribe_desktop.spool import Spool

LOOK_S: Final = 0.01
SAMPLE: Final = "sample-speech.flac"
WORKING_S: Final = 60.0
"""What starting the server, or encoding the sample, may take on a computer that is very busy."""
PATIENCE_S: Final = 30.0
"""What a fault may take until everything is on the server; then the step has failed."""

Pause = Callable[[float], bool]
"""Waits so many seconds, or until the person interrupts; whether that was so."""


class Stage:
    """What the steps play on.

    Attributes:
        app: recorder, spool, sync engine and built-in server, all real.
        relay: the cable to the server.
        wire: the engine's messages.
        endpoints: where the server has listened, in order; None for each time that it ended.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        relay: Relay,
        *,
        pause: Pause,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.relay = relay
        self.wire = Wire()
        self.endpoints: list[LocalEndpoint | None] = []
        self.paths = resolve_paths({"SCRIBE_HOME": str(folder)})
        self._pause = pause
        self._patience_s = patience_s
        self.app = App(
            Settings(keep_local_days=0),
            self.paths,
            MemoryCredentials(),
            environ=environ,
            parts=Parts(sync=self._make_sync, server=self._make_server),
        )

    @property
    def endpoint(self) -> LocalEndpoint:
        """Where the server listens, the relay left aside.

        Raises:
            ScribeError: it does not run.
        """
        now = self.endpoints[-1] if self.endpoints else None
        if now is None:
            raise ScribeError("The built-in server does not run", self.app.server_failure or "?")
        return now

    def wait_started(self) -> None:
        """Wait until the server listens.

        Raises:
            NotDeliveredError: it does not.
        """
        self._wait("the built-in server runs", lambda: bool(self.endpoints), WORKING_S)

    def record(self, title: str) -> str:
        """Begin to record the sample as fast as it can be encoded; the session's id."""
        session_id = str(uuid.uuid4())
        sample = self.paths.resource(SAMPLE)
        return self.app.start_recording(
            RecordingRequest(session_id, title, "import", input_file=sample, realtime=False)
        )

    def wait_recorded(self) -> None:
        """Wait until the recording is in the spool.

        Raises:
            ScribeError: it failed, or takes too long.
        """
        self._wait("the sample is recorded", lambda: self.app.wait_recorded(0), WORKING_S)
        if self.app.failure is not None:
            raise self.app.failure

    def wait_delivered(self, session_id: str) -> None:
        """Wait until every chunk of a session has its ack, and the session its receipt."""
        self.wait("everything is on the server", lambda: _is_sent(self.session(session_id)))
        self.wait("the receipt is here", lambda: self.session(session_id).has_receipt)

    def session(self, session_id: str) -> Session:
        """A session as the spool has it now."""
        with self.reading() as spool:
            session = spool.session(session_id)
        if session is None:
            raise ScribeError("The recording is gone", f"{session_id} is not in the spool.")
        return session

    @contextmanager
    def reading(self) -> Iterator[Spool]:
        """The spool, read-only."""
        spool = Spool.open_read_only(self.paths.spool_dir)
        try:
            yield spool
        finally:
            spool.close()

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises:
            NotDeliveredError: it is not after `patience_s`, or the person interrupted.
        """
        self._wait(what, done, self._patience_s)

    def _wait(self, what: str, done: Callable[[], bool], at_most_s: float) -> None:
        deadline = time.monotonic() + at_most_s
        while not done():
            if time.monotonic() > deadline:
                raise NotDeliveredError(
                    "In vain", f"Waited {at_most_s:g} s until {what}. {self._why()}".strip()
                )
            if self._pause(LOOK_S):
                raise NotDeliveredError("Interrupted", f"Interrupted before {what}.")

    def _why(self) -> str:
        sync = self.app.status.sync
        return f"{self.app.server_failure} {sync.error}".strip() or f"Sync is {sync.state}."

    # --------------------------------------------------------------------------- the parts

    def _make_sync(
        self,
        spool: Path,
        device_id: str,
        on_status: Callable[[SyncStatus], None],
        on_session: Callable[[str], None],
        clock: Callable[[], int],
    ) -> SyncPart:
        from scribe_desktop.sync.engine import SyncEngine
        from scribe_desktop.sync.transport import SocketIoConnection

        return SyncEngine(
            spool_folder=spool,
            device_id=device_id,
            on_status=on_status,
            on_session=on_session,
            clock=clock,
            make_connection=self.wire.making(SocketIoConnection),
        )

    def _make_server(
        self,
        data_dir: Path,
        log_file: Path,
        on_endpoint: Callable[[LocalEndpoint | None], None],
        environ: Mapping[str, str],
    ) -> ServerPart:
        def behind_the_relay(endpoint: LocalEndpoint | None) -> None:
            self.endpoints.append(endpoint)
            if endpoint is None:
                on_endpoint(None)
                return
            self.relay.aim(urlsplit(endpoint.origin).port or 0)
            on_endpoint(replace(endpoint, origin=self.relay.origin))

        return LocalServer(
            data_dir=data_dir,
            log_file=log_file,
            on_endpoint=behind_the_relay,
            environ=environ,
        )


def _is_sent(session: Session) -> bool:
    return session.ended_at is not None and session.acked_chunks == session.chunks > 0
