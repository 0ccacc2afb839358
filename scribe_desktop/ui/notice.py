"""A box that says what is wrong, or new, and offers one action."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.problems import Fix, Problem
from scribe_desktop.ui.theme import NORMAL, SMALL, font
from scribe_desktop.ui.translation import tr

FIX_WORDS: dict[Fix, Callable[[], str]] = {
    Fix.RECORD: lambda: tr("Record again"),
    Fix.SEND_NOW: lambda: tr("Try again now"),
}


class Notice(QFrame):
    """Shows a `Problem` until it is gone or dismissed; a new one shows again.

    Emits `fix_wanted(Fix)`.
    """

    fix_wanted = Signal(object)

    def __init__(
        self, colours: Colours, icons: Icons, *, news: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("news" if news else "notice")
        self._icons = icons
        self._news = news
        self._problem: Problem | None = None
        self._sign = QLabel()
        self._title = _line(font(NORMAL, strong=True))
        self._message = _line(font(NORMAL))
        self._remedy = _line(font(SMALL))
        self._remedy.setProperty("quiet", True)
        self._fix = QPushButton()
        self._fix.setObjectName("fix")
        self._fix.clicked.connect(self._want_fix)
        self._close = QToolButton()
        self._close.setObjectName("dismiss")
        self._close.setAccessibleName(tr("Dismiss"))
        self._close.setToolTip(tr("Dismiss"))
        self._close.clicked.connect(self.hide)
        self._arrange()
        self.set_colours(colours)
        self.hide()

    def _arrange(self) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(4)
        for label in (self._title, self._message, self._remedy):
            texts.addWidget(label)
        texts.addSpacing(4)
        texts.addWidget(self._fix, alignment=Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 16, 8, 16)
        row.setSpacing(8)
        row.addWidget(self._sign, alignment=Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, stretch=1)
        row.addWidget(self._close, alignment=Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        sign = ("recovered", colours.verified) if self._news else ("problem", colours.problem)
        self._sign.setPixmap(
            self._icons.glyph(*sign, 20).pixmap(QSize(20, 20), self.devicePixelRatioF())
        )
        self._close.setIcon(self._icons.glyph("close", colours.secondary, 16))

    @property
    def problem(self) -> Problem | None:
        """What is shown, or was until it was dismissed."""
        return self._problem

    def show_problem(self, problem: Problem | None) -> None:
        """Show a problem, or None: it is gone."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem is not None:
            self._title.setText(problem.title)
            self._message.setText(problem.message)
            self._remedy.setText(problem.remedy)
            self._remedy.setVisible(bool(problem.remedy))
            self._fix.setVisible(problem.fix is not Fix.NONE)
            if problem.fix is not Fix.NONE:
                self._fix.setText(FIX_WORDS[problem.fix]())
            self.setAccessibleName(f"{problem.title}. {problem.message} {problem.remedy}".strip())
        self.setVisible(problem is not None)

    def show_again(self, problem: Problem) -> None:
        """Show a problem even if the same one was dismissed before."""
        self._problem = None
        self.show_problem(problem)

    def _want_fix(self) -> None:
        if self._problem is not None:
            self.fix_wanted.emit(self._problem.fix)


def _line(text_font: QFont) -> QLabel:
    label = QLabel()
    label.setFont(text_font)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
