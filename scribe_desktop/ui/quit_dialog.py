"""The question asked before quitting while a recording runs."""

from collections.abc import Callable

from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget

from scribe_desktop.ui.translation import tr


class QuitDialog(QMessageBox):
    """Stop and Quit, Keep Recording, or Cancel; calls what was chosen and never blocks."""

    def __init__(
        self, parent: QWidget, *, stop: Callable[[], object], keep: Callable[[], object]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Quit"))
        self.setText(tr("A recording is running."))
        self.setInformativeText(tr("What is recorded so far is safe, whatever you choose."))
        self.stop_button = self.addButton(tr("&Stop and Quit"), QMessageBox.ButtonRole.AcceptRole)
        self.keep_button = self.addButton(tr("&Keep Recording"), QMessageBox.ButtonRole.ActionRole)
        self.cancel_button = self.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(self.keep_button)
        self.setEscapeButton(self.cancel_button)
        self._choices: dict[QAbstractButton, Callable[[], object]] = {
            self.stop_button: stop,
            self.keep_button: keep,
        }
        self.finished.connect(self._choose)

    def _choose(self) -> None:
        choice = self._choices.get(self.clickedButton())
        if choice is not None:
            choice()
