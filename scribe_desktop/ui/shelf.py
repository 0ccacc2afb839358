"""Reads the recordings on a thread of its own, so that the window never waits for the disk."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import Chunk, Session, Status
from scribe_desktop.ui.background import Background

if TYPE_CHECKING:
    from scribe_desktop.app import App

SETTLE_MS = 150
"""Changes that come together are read once."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The recordings, newest first, and the chunks of the newest."""

    sessions: tuple[Session, ...] = ()
    chunks: tuple[Chunk, ...] = ()


class ShelfReader(QObject):
    """Emits `read(Shelf)` after `watch` saw a change; `failed(ScribeError)` when it cannot read."""

    read = Signal(object)
    failed = Signal(object)
    _done = Signal(object)

    def __init__(self, app: "App", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._seen: object = None
        self._busy = False
        self._again = False
        self._background = Background(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self.refresh)
        self._done.connect(self._finish)

    @Slot(object)
    def watch(self, status: Status) -> None:
        """Read again when something in this status can have changed the list."""
        capture, sync = status.capture, status.sync
        facts = (capture.state, capture.session_id, status.session_chunks, status.session_acked)
        seen = (*facts, sync.pending, sync.awaiting_receipt, sync.local)
        if seen != self._seen:
            self._seen = seen
            self._timer.start()

    @Slot()
    def refresh(self) -> None:
        """Read now, or once more after the reading that is under way."""
        if self._busy:
            self._again = True
            return
        self._busy = True
        self._background.do(self._read_all, self._done)

    def _read_all(self) -> Shelf:
        sessions = tuple(self._app.sessions())
        chunks = tuple(self._app.chunks(sessions[0].session_id)) if sessions else ()
        return Shelf(sessions, chunks)

    @Slot(object)
    def _finish(self, result: object) -> None:
        self._busy = False
        if isinstance(result, Shelf):
            self.read.emit(result)
        elif isinstance(result, ScribeError):
            self.failed.emit(result)
        if self._again:
            self._again = False
            self.refresh()

    def stop(self) -> None:
        """Let a reading that is under way end."""
        self._timer.stop()
        self._background.finish()
