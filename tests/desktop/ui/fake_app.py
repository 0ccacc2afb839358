"""An engine that only remembers: the same surface as `scribe_desktop.app.App`, no threads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scribe_desktop.config import Settings
from scribe_desktop.errors import ScribeError
from scribe_desktop.model import (
    SAMPLE_RATE,
    CaptureState,
    CaptureStatus,
    Chunk,
    Session,
    Status,
    SyncState,
    SyncStatus,
)
from scribe_desktop.paths import Paths
from scribe_desktop.spool import Salvage

NOON = 1_791_374_400_000
"""2026-10-07 12:00 UTC."""
PART = 30 * SAMPLE_RATE


def session(session_id: str = "one", **changes: Any) -> Session:
    """A finished session of 20 parts that the server has verified."""
    usual: dict[str, Any] = {
        "session_id": session_id,
        "title": "Team call",
        "source": "mic",
        "started_at": NOON,
        "timezone": "Europe/Berlin",
        "channels": 1,
        "bitrate": 32_000,
        "device": "USB mic",
        "forked_from": None,
        "paused": False,
        "recovered": False,
        "ended_at": NOON + 600_000,
        "total_samples": 20 * PART,
        "chunks": 20,
        "acked_chunks": 20,
        "refused_chunks": 0,
        "bytes": 20 * 120_000,
        "refused_code": None,
        "has_receipt": True,
        "audio_deleted_at": None,
    }
    return Session(**{**usual, **changes})


def chunk(sequence: int, *, acked: bool = False, refused: str | None = None) -> Chunk:
    """A part of session `one`."""
    return Chunk(
        session_id="one",
        sequence=sequence,
        first_sample=sequence * PART,
        samples=PART,
        sha256="0" * 64,
        size=120_000,
        started_at=NOON + sequence * 30_000,
        acked_at=NOON if acked else None,
        refused_code=refused,
    )


def status_of(
    state: CaptureState = CaptureState.IDLE,
    sync: SyncState = SyncState.IDLE,
    *,
    seconds: int = 0,
    safe: int = 0,
    capture: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Status:
    """A status with `seconds` recorded, `safe` of them on the server; `facts` are of sync."""
    idle = state is CaptureState.IDLE
    facts = {"local": False, "server": "https://scribe.example", **facts}
    return Status(
        capture=CaptureStatus(
            state=state,
            session_id=None if idle else "one",
            title="" if idle else "Team call",
            samples=seconds * SAMPLE_RATE,
            **(capture or {}),
        ),
        sync=SyncStatus(state=sync, **facts),
        session_acked_samples=safe * SAMPLE_RATE,
    )


@dataclass
class FakeStorage:
    """What the start has found."""

    recovered: list[str] = field(default_factory=list)
    salvaged: list[Salvage] = field(default_factory=list)
    taken_over: list[Salvage] = field(default_factory=list)
    recovery_failure: ScribeError | None = None


class FakeApp:
    """Does what it is told and keeps the names of the calls; `error` is raised by the next one."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.paths = Paths(home, home, home, home)  # its resources are the program's own
        self.status = status_of()
        self.calls: list[str] = []
        self.error: ScribeError | None = None
        self.shelf: list[Session] = []
        self.parts: list[Chunk] = []
        self.storage = FakeStorage()
        self.handlers: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {}
        self._subscribers: list[Callable[[Status], None]] = []

    def publish(self, status: Status) -> None:
        """Tell every subscriber a new status, on the thread of the caller."""
        self.status = replace(status, revision=self.status.revision + 1)
        self.tell(self.status)

    def tell(self, status: Status) -> None:
        """Send a status to every subscriber, whatever its revision."""
        for subscriber in list(self._subscribers):
            subscriber(status)

    def capture(self, state: CaptureState, **changes: Any) -> None:
        """Publish the same status with another capture state."""
        changed = replace(self.status.capture, state=state, **changes)
        self.publish(replace(self.status, capture=changed))

    # ------------------------------------------------------------- the surface of the engine

    def subscribe(self, callback: Callable[[Status], None]) -> Callable[[], None]:
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def start_recording(self) -> str:
        self._called("start_recording")
        self.capture(CaptureState.RECORDING, session_id="one")
        return "one"

    def pause_recording(self) -> None:
        self._called("pause_recording")
        self.capture(CaptureState.PAUSED)

    def resume_recording(self) -> None:
        self._called("resume_recording")
        self.capture(CaptureState.RECORDING)

    def stop_recording(self) -> None:
        self._called("stop_recording")
        self.capture(CaptureState.IDLE, session_id=None)

    def add_marker(self, label: str = "") -> None:
        self._called(f"add_marker{label}")

    def send_now(self) -> None:
        self._called("send_now")

    def set_sync_paused(self, paused: bool) -> None:
        self._called(f"set_sync_paused {paused}")

    def sessions(self) -> list[Session]:
        self._raise_error()
        return list(self.shelf)

    def chunks(self, session_id: str) -> list[Chunk]:
        return [part for part in self.parts if part.session_id == session_id]

    def set_handler(
        self, command: str, handler: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> None:
        self.handlers[command] = handler

    def _called(self, call: str) -> None:
        self.calls.append(call)
        self._raise_error()

    def _raise_error(self) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
