"""Puts the window, the tray and the engine together, and runs Qt's loop."""

import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import CaptureState, Status
from scribe_desktop.ui.bridge import Bridge
from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.intents import Intents
from scribe_desktop.ui.main_window import MainWindow
from scribe_desktop.ui.presenter import present
from scribe_desktop.ui.quit_dialog import QuitDialog
from scribe_desktop.ui.shelf import Shelf, ShelfReader
from scribe_desktop.ui.theme import Theme
from scribe_desktop.ui.translation import tr
from scribe_desktop.ui.tray import Tray
from scribe_desktop.ui.words import Words

if TYPE_CHECKING:
    from scribe_desktop.app import App

TRAY_PATIENCE_MS = 10_000
"""A hidden start shows the window when no tray has come by then: never hide into nothing."""


def local_now() -> datetime:
    """The wall clock in the person's time zone."""
    return datetime.now().astimezone()


class Gui(QObject):
    """The composition of everything that is seen.

    A second start, and the command line, reach it through `raise_wanted`, from any thread.
    """

    raise_wanted = Signal()

    def __init__(self, application: QApplication, app: "App") -> None:
        super().__init__(application)
        self._application = application
        self._app = app
        self._quitting = False
        self._dialog: QuitDialog | None = None
        self.words = Words(tr)
        self.theme = Theme(application, app.settings.theme)
        icons = Icons(app.paths.resource("icons"))
        application.setWindowIcon(icons.application())
        self.intents = Intents(app, self)
        self.bridge = Bridge(app, self)
        self.shelf = ShelfReader(app, self)
        colours = self.theme.colours
        self.window = MainWindow(self.intents, icons, colours, self.words, local_now)
        self.window.set_device(app.settings.device)
        self.tray = Tray(self.intents, icons, colours, self.words)
        self._connect()

    def _connect(self) -> None:
        self.theme.changed.connect(self.window.set_colours)
        self.theme.changed.connect(self.tray.set_colours)
        self.bridge.status_changed.connect(self._show)
        self.bridge.status_changed.connect(self.shelf.watch)
        self.shelf.read.connect(self.window.show_shelf)
        self.shelf.failed.connect(self.window.show_error)
        self.intents.sync_paused_changed.connect(self.bridge.reread)
        self.tray.toggle_window.connect(self._toggle_window)
        self.tray.open_window.connect(self.raise_window)
        self.tray.menu_opening.connect(self.bridge.reread)
        self.tray.quit_wanted.connect(self.ask_to_quit)
        self.window.close_wanted.connect(self._close_window)
        self.raise_wanted.connect(self.raise_window)

    def start(self, *, hidden: bool) -> None:
        """Show the window, or only the tray when `hidden`, and begin to watch."""
        if hidden:
            QTimer.singleShot(TRAY_PATIENCE_MS, self, self._show_without_tray)
        else:
            self.window.show()
        self.tray.start()
        self.bridge.start()
        self.shelf.refresh()
        self._tell_what_the_start_found()

    def stop(self) -> None:
        """Let go of the engine's threads."""
        self.bridge.stop()
        self.shelf.stop()
        self.intents.finish()
        self.tray.stop()

    def answer_raise(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """The control socket's `raise`: called on a thread of its own."""
        self.raise_wanted.emit()
        return {}

    @Slot()
    def raise_window(self) -> None:
        """Bring the window to the front."""
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    @Slot()
    def ask_to_quit(self) -> None:
        """Quit; while a recording runs, ask first."""
        if self._app.status.capture.state is CaptureState.IDLE:
            self._leave()
            return
        if self._dialog is None:
            self.raise_window()
            dialog = QuitDialog(self.window, stop=self._stop_and_quit, keep=self._keep_recording)
            dialog.finished.connect(self._forget_dialog)
            self._dialog = dialog
            dialog.open()

    def _leave(self) -> None:
        # Not `quit`: that asks the windows, and ours answers by hiding.
        self._application.exit(0)

    @Slot(object)
    def _show(self, status: Status) -> None:
        view = present(status, self.words, sync_paused=self.intents.sync_paused)
        self.window.show_view(view, status)
        self.tray.show_view(view)
        if self._quitting and status.capture.state is CaptureState.IDLE:
            self._leave()

    @Slot()
    def _stop_and_quit(self) -> None:
        self._quitting = True
        self.intents.stop()
        self.bridge.reread()

    @Slot()
    def _keep_recording(self) -> None:
        if self.tray.visible:
            self.window.hide()

    @Slot()
    def _forget_dialog(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    @Slot()
    def _toggle_window(self) -> None:
        if self.window.isVisible() and not self.window.isMinimized():
            self.window.hide()
        else:
            self.raise_window()

    @Slot()
    def _close_window(self) -> None:
        if self.tray.visible:
            self.window.hide()
        else:
            self.ask_to_quit()

    @Slot()
    def _show_without_tray(self) -> None:
        if not self.tray.visible:
            self.window.show()

    def _tell_what_the_start_found(self) -> None:
        storage = self._app.storage
        if storage.recovery_failure is not None:
            self.window.show_error(storage.recovery_failure)
        if storage.taken_over:
            what = " ".join(found.words for found in storage.taken_over)
            self.window.show_news(tr("Recordings are back in their place"), what, "")
        if storage.salvaged:
            message = tr("A damaged file was put aside. {what}").format(
                what=" ".join(found.words for found in storage.salvaged)
            )
            remedy = tr("What a server has is safe there. Keep that file: it may be repaired.")
            self.window.show_error(ScribeError(tr("Recordings were salvaged"), message, remedy))
        if storage.recovered:
            self.shelf.read.connect(self._tell_recovered)

    @Slot(object)
    def _tell_recovered(self, shelf: Shelf) -> None:
        self.shelf.read.disconnect(self._tell_recovered)
        found = [s for s in shelf.sessions if s.session_id in self._app.storage.recovered]
        told = [f"“{s.title}” ({self.words.session_length(s)})" for s in found]
        message = tr("{names} after an unexpected stop.").format(names=", ".join(told))
        self.window.show_news(tr("Recovered"), message, tr("It is kept like any other recording."))


def make_application() -> QApplication:
    """Qt's application object with our names."""
    application = QApplication(sys.argv[:1])
    application.setApplicationName("scribe")
    application.setApplicationDisplayName("Scribe")
    application.setDesktopFileName("scribe")
    application.setQuitOnLastWindowClosed(False)
    return application


def run_gui(app: "App", *, start_hidden: bool = False) -> int:
    """Show the window and the tray of a started engine until the person quits.

    Returns the exit code. SIGINT and SIGTERM quit without a question; stopping the engine, which
    ends a running recording safely, is the caller's.
    """
    application = make_application()
    gui = Gui(application, app)
    app.set_handler("raise", gui.answer_raise)
    for name in (signal.SIGINT, signal.SIGTERM):
        # Python runs the handler between two of its own steps: the bridge's timer provides them.
        signal.signal(name, lambda _number, _frame: application.exit(0))
    gui.start(hidden=start_hidden)
    code = application.exec()
    gui.stop()
    return code
