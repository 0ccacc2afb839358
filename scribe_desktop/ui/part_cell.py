"""How a part looks: by fill as well as by hue, the same in the ribbon and in the list."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.parts import Part

CORNER = 0.2
"""Of the cell's side."""


def draw_part(painter: QPainter, cell: QRectF, part: Part, colours: Colours) -> None:
    """Hollow (only here), half (sending), full (stored), ticked (verified), crossed (problem).

    What is being recorded is a ring with a dot.
    """
    colour = QColor(colours.part(part))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    box = cell.adjusted(0.75, 0.75, -0.75, -0.75)
    painter.setPen(QPen(colour, 1.5))
    corner = cell.width() * CORNER
    full = part in {Part.STORED, Part.VERIFIED}
    painter.setBrush(colour if full else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, corner, corner)
    match part:
        case Part.SENDING:
            _fill_lower_half(painter, box, colour, corner)
        case Part.VERIFIED:
            _tick(painter, cell, QColor(colours.surface))
        case Part.PROBLEM:
            inset = cell.width() * 0.3
            inner = cell.adjusted(inset, inset, -inset, -inset)
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())
        case Part.RECORDING:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(cell.center(), cell.width() * 0.2, cell.width() * 0.2)
        case Part.ONLY_HERE | Part.STORED:
            pass
    painter.restore()


def _fill_lower_half(painter: QPainter, box: QRectF, colour: QColor, corner: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.setClipRect(box.adjusted(0, box.height() / 2, 0, 0))
    painter.drawRoundedRect(box, corner, corner)


def _tick(painter: QPainter, cell: QRectF, colour: QColor) -> None:
    width = max(1.2, cell.width() * 0.14)
    painter.setPen(
        QPen(
            colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        )
    )
    side, left, top = cell.width(), cell.left(), cell.top()
    points = ((0.27, 0.52), (0.44, 0.69), (0.74, 0.34))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([QPointF(left + side * x, top + side * y) for x, y in points]))
