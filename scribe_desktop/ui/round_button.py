"""Round buttons with a word below: the big one that records, and the small ones beside it."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget
from typing_extensions import override

from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.theme import SMALL, font

BAND = 72
"""All discs are centred in a band of this height, so the words below them are on one line."""
LABEL_HEIGHT = 20
KEYBOARD = {
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
}
"""The ring shows only to those who move by keyboard."""
FOCUS = 4
"""Room for the focus ring."""


class RoundButton(QAbstractButton):
    """A disc of `diameter` with its text below; Enter and Space press it."""

    def __init__(self, diameter: int, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.diameter = diameter
        self.colours = colours
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFont(font(SMALL))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._by_keyboard = False

    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        self.colours = colours
        self.update()

    def say(self, text: str, hint: str) -> None:
        """Set the word below; the hint (with the key) is also what a screen reader adds."""
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
            self.updateGeometry()
        self.setToolTip(hint)

    @override
    def sizeHint(self) -> QSize:
        width = max(self.diameter + 2 * FOCUS, self.fontMetrics().horizontalAdvance(self.text()))
        return QSize(max(width, 88), BAND + 2 * FOCUS + LABEL_HEIGHT)

    @override
    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = event.reason() in KEYBOARD
        super().focusInEvent(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._by_keyboard = True
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.click()
            return
        super().keyPressEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        centre = QPointF(self.width() / 2, FOCUS + BAND / 2)
        if self.hasFocus() and self._by_keyboard:
            painter.setPen(QPen(QColor(self.colours.text), 2))
            radius = self.diameter / 2 + FOCUS - 1
            painter.drawEllipse(centre, radius, radius)
        self.draw_disc(painter, centre, self.diameter / 2)
        painter.setPen(QColor(self.colours.text if self.isEnabled() else self.colours.secondary))
        below = self.rect().adjusted(0, self.height() - LABEL_HEIGHT, 0, 0)
        painter.drawText(
            below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, self.text()
        )
        painter.end()

    def draw_disc(self, painter: QPainter, centre: QPointF, radius: float) -> None:
        """Draw the disc and what is on it."""
        raise NotImplementedError


class RecordButton(RoundButton):
    """The one thing that glows: a disc to record, a square on a disc to stop."""

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(72, colours, parent)
        self.setObjectName("record")
        self._stops = False

    def show_stop(self, stops: bool) -> None:
        """Whether pressing it stops."""
        if stops != self._stops:
            self._stops = stops
            self.update()

    @override
    def draw_disc(self, painter: QPainter, centre: QPointF, radius: float) -> None:
        red = QColor(self.colours.recording if self.isEnabled() else self.colours.secondary)
        painter.setPen(QPen(red, 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(centre, radius - 2, radius - 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(red.darker(108) if self.isDown() or self.underMouse() else red)
        inner = radius - 8
        painter.drawEllipse(centre, inner, inner)
        painter.setBrush(QColor(self.colours.on_recording))
        if self._stops:
            side = 20
            painter.drawRoundedRect(
                QRectF(centre.x() - side / 2, centre.y() - side / 2, side, side), 3, 3
            )
        else:
            painter.drawEllipse(centre, 8, 8)


class SideButton(RoundButton):
    """A bordered disc with a sign."""

    def __init__(
        self, name: str, sign: str, colours: Colours, icons: Icons, parent: QWidget | None = None
    ) -> None:
        super().__init__(48, colours, parent)
        self.setObjectName(name)
        self._icons = icons
        self._sign = sign

    def show_sign(self, sign: str) -> None:
        """Change the sign."""
        if sign != self._sign:
            self._sign = sign
            self.update()

    @override
    def draw_disc(self, painter: QPainter, centre: QPointF, radius: float) -> None:
        hot = self.underMouse() and self.isEnabled()
        painter.setPen(QPen(QColor(self.colours.secondary if hot else self.colours.line), 1))
        painter.setBrush(QColor(self.colours.window if self.isDown() else self.colours.surface))
        painter.drawEllipse(centre, radius - 1, radius - 1)
        side = 24
        icon = self._icons.glyph(self._sign, self.colours.text, side)
        top_left = (centre - QPointF(side / 2, side / 2)).toPoint()
        pixmap = icon.pixmap(QSize(side, side), self.devicePixelRatioF())
        painter.drawPixmap(top_left, pixmap)
