"""The card that lists the recordings, or says that there are none yet."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QListView, QStackedWidget, QVBoxLayout, QWidget

from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.session_list import SessionDelegate, SessionModel
from scribe_desktop.ui.theme import LARGE, NORMAL, font
from scribe_desktop.ui.translation import tr


class SessionPanel(QFrame):
    """Heading and list; the list scrolls, the window does not."""

    def __init__(
        self, model: SessionModel, colours: Colours, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._model = model
        self.setMinimumHeight(208)  # heading and two recordings
        heading = QLabel(tr("Recordings"))
        heading.setFont(font(LARGE))
        heading.setContentsMargins(16, 0, 16, 0)
        self.view = QListView()
        self.view.setObjectName("sessions")
        self.view.setAccessibleName(tr("Recordings"))
        self.view.setMouseTracking(True)
        self.view.setUniformItemSizes(True)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setModel(model)
        self._delegate = SessionDelegate(model, colours, self.view)
        self.view.setItemDelegate(self._delegate)
        self.empty = QLabel(tr("Your recordings will appear here.\nEach part is kept and checked."))
        self.empty.setObjectName("empty")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setFont(font(NORMAL))
        self.empty.setProperty("quiet", True)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 16, 1, 8)
        column.setSpacing(8)
        column.addWidget(heading)
        column.addWidget(self._pages, stretch=1)
        for change in (model.rowsInserted, model.rowsRemoved, model.modelReset):
            change.connect(self._choose_page)

    def _choose_page(self) -> None:
        self._pages.setCurrentWidget(self.view if self._model.rowCount() else self.empty)

    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        self._delegate.set_colours(colours)
        self.view.viewport().update()
