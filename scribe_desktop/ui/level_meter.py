"""The level of the microphone as a bar; the word beside it is the panel's."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from scribe_desktop.model import Level
from scribe_desktop.ui.palette import Colours

FLOOR_DBFS = -60.0
CLIPPING_DBFS = -1.0
HEIGHT = 20
"""That of the word beside it, so the row is as high without a word."""
BAR = 8


def fraction(dbfs: float) -> float:
    """0 at -60 dBFS and below, 1 at 0 dBFS."""
    return min(1.0, max(0.0, 1.0 - dbfs / FLOOR_DBFS))


class LevelMeter(QWidget):
    """RMS as a bar, the peak as a tick; hollow while nothing is captured."""

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("meter")
        self._colours = colours
        self._level: Level | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        self._colours = colours
        self.update()

    def show_level(self, level: Level | None) -> None:
        """Show a level, or None: nothing is captured."""
        if level != self._level:
            self._level = level
            self.update()

    @override
    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        track = QRectF(0, (self.height() - BAR) / 2, self.width(), BAR)
        radius = track.height() / 2
        painter.setBrush(QColor(self._colours.line))
        painter.drawRoundedRect(track, radius, radius)
        if self._level is not None:
            self._draw_level(painter, track, self._level)
        painter.end()

    def _draw_level(self, painter: QPainter, track: QRectF, level: Level) -> None:
        bar = QRectF(track)
        bar.setWidth(track.width() * fraction(level.rms_dbfs))
        clips = level.peak_dbfs >= CLIPPING_DBFS
        painter.setBrush(QColor(self._colours.recording if clips else self._colours.stored))
        if bar.width() >= bar.height():
            painter.drawRoundedRect(bar, bar.height() / 2, bar.height() / 2)
        peak = fraction(level.peak_dbfs)
        if peak > 0:
            at = min(track.width() * peak, track.width() - 3)
            painter.setBrush(QColor(self._colours.text))
            painter.drawRoundedRect(QRectF(at, track.top(), 2, track.height()), 1, 1)
