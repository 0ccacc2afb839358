"""Reads the recordings on a thread of its own, so that the window never waits for the disk."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QRunnable, QThreadPool, QTimer, Signal, SignalInstance, Slot
from typing_extensions import override

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import Chunk, Session, Status

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
        # One thread that stays: the engine keeps one connection to the spool per thread.
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._pool.setExpiryTimeout(-1)
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
        self._pool.start(_Reading(self._app, self._done))

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
        self._pool.waitForDone()


class _Reading(QRunnable):
    def __init__(self, app: "App", done: SignalInstance) -> None:
        super().__init__()
        self._app = app
        self._done = done

    @override
    def run(self) -> None:
        """Read, and tell the result, whatever it is."""
        result: object = None
        try:
            sessions = tuple(self._app.sessions())
            chunks = tuple(self._app.chunks(sessions[0].session_id)) if sessions else ()
            result = Shelf(sessions, chunks)
        except ScribeError as error:
            result = error
        finally:
            self._done.emit(result)
