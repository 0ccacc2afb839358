"""The window: the instrument, and the recordings below it or, from 860 px on, beside it."""

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QCloseEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QBoxLayout, QScrollArea, QVBoxLayout, QWidget
from typing_extensions import override

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import CaptureState, Status
from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.intents import Intents
from scribe_desktop.ui.notice import Notice
from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.parts import parts_of
from scribe_desktop.ui.presenter import View
from scribe_desktop.ui.problems import Problem
from scribe_desktop.ui.record_panel import RecordPanel
from scribe_desktop.ui.session_list import SessionModel
from scribe_desktop.ui.session_panel import SessionPanel
from scribe_desktop.ui.shelf import Shelf
from scribe_desktop.ui.words import Words

BESIDE_FROM = 860
COLUMN_WIDTH = 560
COLUMN_BESIDE = 440
SMALLEST = QSize(420, 480)
USUAL = QSize(480, 760)


class MainWindow(QWidget):
    """Shows views and the shelf; emits `close_wanted` instead of closing itself."""

    close_wanted = Signal()

    def __init__(
        self,
        intents: Intents,
        icons: Icons,
        colours: Colours,
        words: Words,
        now: Callable[[], datetime],
    ) -> None:
        super().__init__()
        self.setWindowTitle(words.tr("Scribe"))
        self.setMinimumSize(SMALLEST)
        self.resize(USUAL)
        self._words = words
        self._intents = intents
        self._device = words.tr("System default microphone")
        self._status = Status()
        self._shelf = Shelf()
        self.error = Notice(colours, icons)
        self.problem = Notice(colours, icons)
        self.news = Notice(colours, icons, news=True)
        self.panel = RecordPanel(colours, icons, words)
        self.model = SessionModel(words, now, self)
        self.sessions = SessionPanel(self.model, colours)
        self.pause_key = self._shortcut("Space", intents.pause_or_resume)
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        page = QWidget()
        page.setObjectName("page")
        self._column = QWidget()
        column = QVBoxLayout(self._column)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        for widget in (self.error, self.problem, self.news, self.panel):
            column.addWidget(widget)
        column.setStretchFactor(self.panel, 1)
        self._row = QBoxLayout(QBoxLayout.Direction.TopToBottom, page)
        self._row.setContentsMargins(24, 24, 24, 24)
        self._row.setSpacing(16)
        self._row.addWidget(self._column)
        self._row.addWidget(self.sessions, stretch=1)
        scroll = QScrollArea()  # for a small screen with notices on it
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)

    def _connect(self) -> None:
        intents = self._intents
        self.panel.record_or_stop.connect(intents.record_or_stop)
        self.panel.pause_or_resume.connect(intents.pause_or_resume)
        self.panel.mark.connect(intents.mark)
        self._shortcut("Ctrl+R", intents.record_or_stop)
        self._shortcut("M", intents.mark)
        self._shortcut("Ctrl+W", self.close_wanted.emit)
        intents.failed.connect(self.show_error)
        for notice in (self.error, self.problem):
            notice.fix_wanted.connect(intents.repair)

    def _shortcut(self, keys: str, act: Callable[[], object]) -> QShortcut:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(act)
        return shortcut

    def set_device(self, device: str) -> None:
        """Name the microphone that the next recording takes; empty: the system's default."""
        self._device = device or self._words.tr("System default microphone")

    @Slot(object)
    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        parts = (self.error, self.problem, self.news, self.panel, self.sessions)
        for part in parts:
            part.set_colours(colours)
        self.update()

    def show_view(self, view: View, status: Status) -> None:
        """Show a status and the view of it."""
        was, self._status = self._status, status
        # Space presses the focused button only while there is nothing to pause.
        self.pause_key.setEnabled(view.actions.pause or view.actions.resume)
        self.panel.show_view(view, status, self._device)
        self.problem.show_problem(view.problem)
        if was.capture.state is not status.capture.state:
            if status.capture.state is CaptureState.STARTING:
                self.error.show_problem(None)
            self._announce(view.headline)
        self._show_parts()

    @Slot(object)
    def show_shelf(self, shelf: Shelf) -> None:
        """Show the recordings."""
        self._shelf = shelf
        self.model.show_sessions(shelf.sessions, local=self._status.sync.local)
        self._show_parts()

    @Slot(object)
    def show_error(self, error: ScribeError) -> None:
        """Show why a call was refused, until it is dismissed or a recording starts."""
        self.error.show_again(Problem(error.title, error.message, error.remedy))
        self._announce(error.title)

    def show_news(self, title: str, message: str, remedy: str = "") -> None:
        """Show something good to know."""
        self.news.show_again(Problem(title, message, remedy))

    def _show_parts(self) -> None:
        sync, capture = self._status.sync, self._status.capture
        newest = self._shelf.sessions[0] if self._shelf.sessions else None
        live = capture.state is not CaptureState.IDLE
        # The shelf is read a moment after a start: the cells of the one before are not this one's.
        ours = newest is not None and (not live or newest.session_id == capture.session_id)
        parts = parts_of(
            self._shelf.chunks if ours else (),
            in_flight=sync.in_flight,
            verified=newest is not None and newest.has_receipt,
            recording=live and capture.state is not CaptureState.FINALISING,
        )
        title = newest.title if newest is not None and not live else ""
        self.panel.show_parts(parts, title, local=sync.local)

    def _announce(self, text: str) -> None:
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        beside = self.width() >= BESIDE_FROM
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._row.setDirection(direction)
        self._column.setMinimumWidth(COLUMN_BESIDE if beside else 0)
        self._column.setMaximumWidth(COLUMN_BESIDE if beside else COLUMN_WIDTH)
        self.sessions.setMaximumWidth(16_777_215 if beside else COLUMN_WIDTH)
        centred = Qt.AlignmentFlag(0) if beside else Qt.AlignmentFlag.AlignHCenter
        if not beside and self.width() <= COLUMN_WIDTH + 48:
            centred = Qt.AlignmentFlag(0)
        self._row.setAlignment(self._column, centred)
        self._row.setAlignment(self.sessions, centred)
        super().resizeEvent(event)

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        event.ignore()
        self.close_wanted.emit()
