"""An App whose recorder, sync engine and server do only what a test tells them."""

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scribe_desktop.app import App
from scribe_desktop.app.parts import Parts
from scribe_desktop.config import Settings
from scribe_desktop.credentials import Credentials, MemoryCredentials
from scribe_desktop.errors import ScribeError
from scribe_desktop.local_server import LocalEndpoint
from scribe_desktop.model import CaptureState, CaptureStatus, SyncState, SyncStatus
from scribe_desktop.paths import Paths
from scribe_desktop.spool import Spool
from tests.parts.delivered import deliver
from tests.parts.filled_spool import new_chunk, new_session


class FakeRecorder:
    """Spools one chunk at the start of a recording and ends it when it is told to."""

    def __init__(
        self,
        spool: Path,
        on_status: Callable[[CaptureStatus], None],
        on_spooled: Callable[[str], None],
    ) -> None:
        self.failure: ScribeError | None = None
        self.refuses: ScribeError | None = None
        self.refuses_once = False
        self.ends_at_once = False
        self.calls: list[str] = []
        self._spool = spool
        self._on_status = on_status
        self._on_spooled = on_spooled
        self._status = CaptureStatus()

    @property
    def status(self) -> CaptureStatus:
        return self._status

    def start(self, request: Any) -> None:
        if self.refuses is not None:
            refusal = self.refuses
            self.refuses = None if self.refuses_once else refusal
            raise refusal
        self.calls.append("start")
        self.request = request
        with closing(Spool.open(self._spool)) as spool:
            spool.create_session(replace(new_session(request.session_id), title=request.title))
            spool.add_chunk(new_chunk(request.session_id, 0))
        self._show(CaptureState.RECORDING, request.session_id, request.title)
        self._on_spooled(request.session_id)
        if self.ends_at_once:
            self.stop()

    def pause(self) -> None:
        self.calls.append("pause")
        self._show(CaptureState.PAUSED, self._status.session_id, self._status.title)

    def resume(self) -> None:
        self.calls.append("resume")
        self._show(CaptureState.RECORDING, self._status.session_id, self._status.title)

    def stop(self) -> None:
        self.calls.append("stop")
        session_id = self._status.session_id
        assert session_id is not None
        with closing(Spool.open(self._spool)) as spool:
            spool.end_session(session_id, ended_at=40_000)
        self._show(CaptureState.IDLE, session_id, self._status.title)

    def wait(self, timeout_s: float | None = None) -> bool:
        self.calls.append("wait")
        return self._status.state is CaptureState.IDLE

    def add_marker(self, label: str) -> None:
        self.calls.append(f"marker {label}")

    def release(self) -> None:
        self.calls.append("release")

    def use(self, spool_folder: Path, journal_folder: Path) -> None:
        self.calls.append("use")
        self._spool = spool_folder
        if self._status.state is CaptureState.RECORDING:
            self._show(CaptureState.RECORDING, self._status.session_id, self._status.title)

    def say(self, status: CaptureStatus) -> None:
        self._status = status
        self._on_status(status)

    def _show(self, state: CaptureState, session_id: str | None, title: str) -> None:
        self._status = CaptureStatus(
            state=state, session_id=session_id, title=title, samples=1_440_000
        )
        self._on_status(self._status)


class FakeSync:
    """Delivers every ended session when it is woken, if `delivers` is set."""

    def __init__(
        self,
        spool: Path,
        device_id: str,
        on_status: Callable[[SyncStatus], None],
        on_session: Callable[[str], None],
    ) -> None:
        self.device_id = device_id
        self.calls: list[str] = []
        self.targets: list[Any] = []
        self.delivers = False
        self.confirms: set[str] = set()
        self.status = SyncStatus(state=SyncState.OFFLINE)
        self._spool = spool
        self._on_status = on_status
        self._on_session = on_session

    def start(self) -> None:
        self.calls.append("start")

    def set_target(self, target: Any) -> None:
        self.targets.append(target)

    def wake(self) -> None:
        self.calls.append("wake")
        if self.delivers:
            self.deliver_all()

    def deliver_all(self) -> None:
        with closing(Spool.open(self._spool)) as spool:
            for session in spool.sessions_awaiting_receipt():
                deliver(spool, session.session_id)
                self._on_session(session.session_id)

    def say(self, status: SyncStatus) -> None:
        self.status = status
        self._on_status(status)

    def send_now(self) -> None:
        self.calls.append("send_now")
        if self.delivers:
            self.deliver_all()

    def set_paused(self, paused: bool) -> None:
        self.calls.append(f"paused {paused}")

    def confirm(self, session_ids: Collection[str], timeout_s: float = 5.0) -> frozenset[str]:
        self.calls.append("confirm")
        return frozenset(self.confirms.intersection(session_ids))

    def stop(self, timeout_s: float = 5.0) -> None:
        self.calls.append("stop")


class FakeServer:
    """A bundled server that listens where a test says."""

    def __init__(self, on_endpoint: Callable[[LocalEndpoint | None], None]) -> None:
        self.failure = ""
        self.calls: list[str] = []
        self.on_endpoint = on_endpoint

    def start(self) -> None:
        self.calls.append("start")

    def stop(self, timeout_s: float = 10.0) -> None:
        self.calls.append("stop")


@dataclass
class Made:
    """The parts that an App has made, in order."""

    recorders: list[FakeRecorder] = field(default_factory=list)
    syncs: list[FakeSync] = field(default_factory=list)
    servers: list[FakeServer] = field(default_factory=list)
    delivers: bool = False
    records_at_once: bool = False
    refuses: ScribeError | None = None

    @property
    def recorder(self) -> FakeRecorder:
        return self.recorders[-1]

    @property
    def sync(self) -> FakeSync:
        return self.syncs[-1]

    @property
    def server(self) -> FakeServer:
        return self.servers[-1]

    def parts(self) -> Parts:
        """What to give to an App."""
        return Parts(self._recorder, self._sync, self._server)

    def _recorder(
        self, spool: Path, _journal: Path, on_status: Any, on_spooled: Any, _clock: Any
    ) -> FakeRecorder:
        recorder = FakeRecorder(spool, on_status, on_spooled)
        recorder.ends_at_once = self.records_at_once
        recorder.refuses = self.refuses
        self.recorders.append(recorder)
        return recorder

    def _sync(
        self, spool: Path, device_id: str, on_status: Any, on_session: Any, _clock: Any
    ) -> FakeSync:
        sync = FakeSync(spool, device_id, on_status, on_session)
        sync.delivers = self.delivers
        self.syncs.append(sync)
        return sync

    def _server(
        self, _data: Path, _log: Path, on_endpoint: Any, _environ: Mapping[str, str]
    ) -> FakeServer:
        server = FakeServer(on_endpoint)
        self.servers.append(server)
        return server


def paths_in(folder: Path) -> Paths:
    """All folders below one."""
    return Paths(folder / "config", folder / "data", folder / "run", folder / "logs")


def make_app(
    folder: Path,
    made: Made,
    *,
    settings: Settings | None = None,
    credentials: Credentials | None = None,
    machine_id: str = "a machine",
    rescue_dirs: tuple[Path, ...] = (),
) -> App:
    """An App with fake parts."""
    return App(
        settings or Settings(),
        replace(paths_in(folder), rescue_dirs=rescue_dirs),
        credentials or MemoryCredentials(),
        environ={},
        parts=made.parts(),
        machine_id=lambda: machine_id,
    )
