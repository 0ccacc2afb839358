"""Where recordings go: the sync engine, its target, and the bundled server when that is it."""

import logging
import threading
from collections.abc import Collection, Mapping
from typing import Final

from scribe_desktop.app.parts import MakeServer, ServerPart, SyncPart
from scribe_desktop.config import LOCAL, Settings, check_transport
from scribe_desktop.credentials import Credentials, MemoryCredentials
from scribe_desktop.errors import ScribeError
from scribe_desktop.local_server import LocalEndpoint
from scribe_desktop.paths import Paths
from scribe_desktop.sync.target import ServerTarget

log = logging.getLogger(__name__)

LAST_SENDING_S: Final = 5.0


class Delivery:
    """Keeps the sync engine aimed at the server that the settings name.

    Without `make_server` nothing is sent while the settings name the bundled one.

    Attributes:
        tokens: tokens for this run only; they go before the kept ones.
    """

    def __init__(
        self,
        sync: SyncPart,
        make_server: MakeServer | None,
        paths: Paths,
        credentials: Credentials,
        environ: Mapping[str, str],
    ) -> None:
        self.tokens = MemoryCredentials()
        self._sync = sync
        self._make_server = make_server
        self._paths = paths
        self._credentials = credentials
        self._environ = environ
        self._aiming = threading.Lock()
        self._wanted: Settings | None = None
        self._server: ServerPart | None = None
        self._target: ServerTarget | None = None
        self._paused = False
        self._stopped = False

    @property
    def server_failure(self) -> str:
        """Why the bundled server does not run; empty when it does or is not wanted."""
        return self._server.failure if self._server is not None else ""

    def start(self, settings: Settings) -> None:
        """Start the engine, and aim it."""
        self._sync.start()
        self.retarget(settings)

    def retarget(self, settings: Settings) -> None:
        """Aim at the server of these settings, on a thread: a keyring may ask for a password."""
        self._wanted = settings
        threading.Thread(target=self._aim, name="scribe-sign-in", daemon=True).start()

    def wake(self) -> None:
        """There is something new in the spool."""
        self._sync.wake()

    def send_now(self) -> None:
        """Try again at once."""
        self._sync.send_now()

    def set_paused(self, paused: bool) -> None:
        """Hold back, or go on."""
        self._paused = paused
        self._sync.set_paused(paused)

    def confirm(self, session_ids: Collection[str]) -> frozenset[str]:
        """Ask the server which of these sessions it holds; none when it does not answer."""
        return self._sync.confirm(session_ids)

    def release(self) -> None:
        """End the engine, so that nobody has the spool open; the server runs on."""
        self._sync.stop(0.0)

    def resume(self, sync: SyncPart) -> None:
        """Deliver from another spool, with a new engine."""
        with self._aiming:
            self._sync = sync
            sync.start()
            if self._paused:
                sync.set_paused(True)
            sync.set_target(self._target)

    def stop(self) -> None:
        """Send what a few seconds allow, then end the engine and the bundled server."""
        self._stopped = True
        self._sync.stop(LAST_SENDING_S)
        with self._aiming:
            self._stop_server()

    def _aim(self) -> None:
        with self._aiming:
            settings = self._wanted
            if settings is None or self._stopped:
                return
            if settings.server == LOCAL and self._make_server is not None:
                self._aim_at_bundled(self._make_server)
            elif settings.server == LOCAL:
                self._set_target(None)
            else:
                self._stop_server()
                self._set_target(self._remote_target(settings))
                self._sync.send_now()  # after a sign-in an earlier refusal counts no more

    def _aim_at_bundled(self, make_server: MakeServer) -> None:
        if self._server is None:
            self._set_target(None)
            self._server = make_server(
                self._paths.server_dir, self._paths.server_log_file, self._bundled, self._environ
            )
            self._server.start()

    def _bundled(self, endpoint: LocalEndpoint | None) -> None:
        wanted = self._wanted
        if self._stopped or wanted is None or wanted.server != LOCAL:
            return
        # When the child has ended the engine keeps its target: it is offline until the next one.
        if endpoint is not None:
            self._set_target(ServerTarget(endpoint.origin, endpoint.token, local=True))

    def _set_target(self, target: ServerTarget | None) -> None:
        self._target = target
        self._sync.set_target(target)

    def _remote_target(self, settings: Settings) -> ServerTarget | None:
        if not settings.server:
            return None
        try:
            check_transport(settings.server, insecure=settings.insecure)
        except ScribeError as error:
            log.warning("nothing is sent: %s", error)
            return None
        return ServerTarget(
            settings.server, self._token(settings.server), insecure=settings.insecure
        )

    def _token(self, origin: str) -> str | None:
        known = self.tokens.get(origin)
        if known is not None:
            return known
        try:
            return self._credentials.get(origin)
        except ScribeError as error:
            # The server will say that a sign-in is needed, and the screen says so.
            log.warning("no token for %s: %s", origin, error)
            return None

    def _stop_server(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
