"""The ribbon: one cell per part of 30 s, the picture of what is safe."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.part_cell import draw_part
from scribe_desktop.ui.parts import Part, Ribbon, ribbon_of

CELL = 12
GAP = 4
ROWS = 5


class RibbonView(QWidget):
    """Up to five rows of cells, about an hour; a longer recording has several parts in a cell."""

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ribbon")
        self._colours = colours
        self._parts: tuple[Part, ...] = ()
        self.ribbon = Ribbon()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)

    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        self._colours = colours
        self.update()

    def show_parts(self, parts: Sequence[Part]) -> None:
        """Show these parts, first to last."""
        if tuple(parts) != self._parts:
            self._parts = tuple(parts)
            self._lay_out()

    @property
    def columns(self) -> int:
        """How many cells fit side by side."""
        return max(1, (self.width() + GAP) // (CELL + GAP))

    @override
    def sizeHint(self) -> QSize:
        rows = max(1, -(-len(self.ribbon.cells) // self.columns))
        return QSize(200, rows * (CELL + GAP) - GAP)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        self.ribbon = ribbon_of(self._parts, room=self.columns * ROWS)
        self.updateGeometry()
        self.update()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for index, part in enumerate(self.ribbon.cells):
            row, column = divmod(index, self.columns)
            cell = QRectF(column * (CELL + GAP), row * (CELL + GAP), CELL, CELL)
            draw_part(painter, cell, part, self._colours)
        painter.end()
