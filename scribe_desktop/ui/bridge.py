"""Status from the engine's threads → one signal on the main thread."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from scribe_desktop.model import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from scribe_desktop.app import App

REREAD_MS = 1_000


class Bridge(QObject):
    """Emits `status_changed(Status)` on the thread that made it, newest last.

    The status is read again each second, so a lost notice is never a stale screen.
    """

    status_changed = Signal(object)
    _incoming = Signal(object)

    def __init__(self, app: "App", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._revision = -1
        self._unsubscribe: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(REREAD_MS)
        self._timer.timeout.connect(self.reread)
        self._incoming.connect(self._receive)

    def start(self) -> None:
        """Begin to watch, with the status as it is now."""
        if self._unsubscribe is None:
            self._unsubscribe = self._app.subscribe(self._incoming.emit)
            self._timer.start()
            self.reread()

    def stop(self) -> None:
        """Watch no more; idempotent."""
        self._timer.stop()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    @Slot()
    def reread(self) -> None:
        """Read the status now."""
        self._receive(self._app.status)

    @Slot(object)
    def _receive(self, status: Status) -> None:
        if status.revision >= self._revision:
            self._revision = status.revision
            self.status_changed.emit(status)
