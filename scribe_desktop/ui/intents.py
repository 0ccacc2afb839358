"""What the person wants → calls of the engine; what fails is told, never swallowed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import CaptureState
from scribe_desktop.ui.background import Background
from scribe_desktop.ui.problems import Fix

if TYPE_CHECKING:
    from scribe_desktop.app import App


class Intents(QObject):
    """Emits `failed(ScribeError)` when a call is refused, `sync_paused_changed` when that changes.

    All calls return at once: the engine works on threads of its own, and the one that has to open
    the microphone first is made in the background.
    """

    failed = Signal(object)
    sync_paused_changed = Signal()
    _started = Signal(object)

    def __init__(self, app: "App", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self.sync_paused = False
        self._starting = False
        self._background = Background(self)
        self._started.connect(self._finish_start)

    @Slot()
    def record(self) -> None:
        """Start a recording with the person's settings; once, however often it is pressed."""
        if not self._starting:
            self._starting = True
            self._background.do(self._app.start_recording, self._started)

    @Slot(object)
    def _finish_start(self, result: object) -> None:
        self._starting = False
        if isinstance(result, ScribeError):
            self.failed.emit(result)

    def finish(self) -> None:
        """Wait for a start that is under way."""
        self._background.finish()

    @Slot()
    def stop(self) -> None:
        """Stop; what is recorded is saved and sent on."""
        self._try(self._app.stop_recording)

    @Slot()
    def record_or_stop(self) -> None:
        """The big button."""
        if self._app.status.capture.state is CaptureState.IDLE:
            self.record()
        else:
            self.stop()

    @Slot()
    def pause_or_resume(self) -> None:
        """The space bar: nothing when there is nothing to pause."""
        match self._app.status.capture.state:
            case CaptureState.RECORDING:
                self._try(self._app.pause_recording)
            case CaptureState.PAUSED:
                self._try(self._app.resume_recording)
            case _:
                return

    @Slot()
    def mark(self) -> None:
        """Set a marker at this moment."""
        if self._app.status.capture.state in {CaptureState.RECORDING, CaptureState.PAUSED}:
            self._try(self._app.add_marker)

    @Slot()
    def send_now(self) -> None:
        """Try to send again at once."""
        self._try(self._app.send_now)

    @Slot()
    def pause_or_resume_sending(self) -> None:
        """Hold sending back, or go on with it."""
        wanted = not self.sync_paused
        if self._try(lambda: self._app.set_sync_paused(wanted)):
            self.sync_paused = wanted
            self.sync_paused_changed.emit()

    def repair(self, fix: Fix) -> None:
        """What the button beside a problem does."""
        match fix:
            case Fix.RECORD:
                self.record()
            case Fix.SEND_NOW:
                self.send_now()
            case Fix.NONE:
                return

    def _try(self, call: Callable[[], object]) -> bool:
        try:
            call()
        except ScribeError as error:
            self.failed.emit(error)
            return False
        return True
