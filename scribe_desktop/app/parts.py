"""The parts an App is built from: what it needs of each, and how the real ones are made.

The real ones are imported when they are made: they load the sound and network libraries, and the
command line must answer without them.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scribe_desktop.errors import ScribeError
from scribe_desktop.local_server import LocalEndpoint, LocalServer
from scribe_desktop.model import CaptureStatus, SyncStatus

if TYPE_CHECKING:
    from scribe_desktop.capture.request import RecordingRequest
    from scribe_desktop.sync.target import ServerTarget


class RecorderPart(Protocol):
    """What the App needs of capture.recorder.Recorder."""

    failure: ScribeError | None

    @property
    def status(self) -> CaptureStatus:
        """What it does now."""

    def start(self, request: "RecordingRequest") -> None:
        """Begin a recording."""

    def pause(self) -> None:
        """Pause it."""

    def resume(self) -> None:
        """Go on."""

    def stop(self) -> None:
        """End it without waiting."""

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until idle; False after the time-out."""

    def add_marker(self, label: str) -> None:
        """Set a marker now."""

    def release(self) -> None:
        """Let go of the spool; hold the sound."""

    def use(self, spool_folder: Path, journal_folder: Path) -> None:
        """Go on with another spool."""


class SyncPart(Protocol):
    """What the App needs of sync.engine.SyncEngine."""

    @property
    def status(self) -> SyncStatus:
        """What it does now."""

    def start(self) -> None:
        """Begin to deliver."""

    def set_target(self, target: "ServerTarget | None") -> None:
        """Deliver to this server from now on."""

    def wake(self) -> None:
        """There is something new in the spool."""

    def send_now(self) -> None:
        """Try again at once."""

    def set_paused(self, paused: bool) -> None:
        """Hold back, or go on."""

    def confirm(self, session_ids: Collection[str], timeout_s: float = 5.0) -> frozenset[str]:
        """Ask the server which of these sessions it holds as they are here."""

    def stop(self, timeout_s: float = 5.0) -> None:
        """End within the time."""


class ServerPart(Protocol):
    """What the App needs of local_server.LocalServer."""

    failure: str

    def start(self) -> None:
        """Start it and keep it running."""

    def stop(self, timeout_s: float = 10.0) -> None:
        """End it."""


MakeRecorder = Callable[
    [Path, Path, Callable[[CaptureStatus], None], Callable[[str], None], Callable[[], int]],
    RecorderPart,
]
MakeSync = Callable[
    [Path, str, Callable[[SyncStatus], None], Callable[[str], None], Callable[[], int]], SyncPart
]
MakeServer = Callable[
    [Path, Path, Callable[[LocalEndpoint | None], None], Mapping[str, str]], ServerPart
]


def make_recorder(
    spool: Path,
    journal: Path,
    on_status: Callable[[CaptureStatus], None],
    on_spooled: Callable[[str], None],
    clock: Callable[[], int],
) -> RecorderPart:
    """The real recorder."""
    from scribe_desktop.capture.recorder import Recorder

    return Recorder(
        spool_folder=spool,
        journal_folder=journal,
        on_status=on_status,
        on_spooled=on_spooled,
        clock=clock,
    )


def make_sync(
    spool: Path,
    device_id: str,
    on_status: Callable[[SyncStatus], None],
    on_session: Callable[[str], None],
    clock: Callable[[], int],
) -> SyncPart:
    """The real sync engine."""
    from scribe_desktop.sync.engine import SyncEngine

    return SyncEngine(
        spool_folder=spool,
        device_id=device_id,
        on_status=on_status,
        on_session=on_session,
        clock=clock,
    )


def make_server(
    data_dir: Path,
    log_file: Path,
    on_endpoint: Callable[[LocalEndpoint | None], None],
    environ: Mapping[str, str],
) -> ServerPart:
    """The real bundled server."""
    return LocalServer(
        data_dir=data_dir, log_file=log_file, on_endpoint=on_endpoint, environ=environ
    )


@dataclass(frozen=True)
class Parts:
    """How the parts are made; tests put their own in."""

    recorder: MakeRecorder = make_recorder
    sync: MakeSync = make_sync
    server: MakeServer = make_server
