"""Our own icons, drawn from SVG at every size and pixel ratio that a screen asks for."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from scribe_desktop.ui.presenter import Icon

TRAY_SIZES: Final = (16, 22, 24, 32, 44, 48, 64)
GLYPH_RATIOS: Final = (1, 2, 3)
INK: Final = "#1B1B19"
"""The colour in which the glyphs of the window are drawn in their files."""

# On a grid of 24: the badge's square and the hole that is cut for it, so that it reads at 16 px.
BADGE: Final = (13.5, 13.5, 10.5)
HOLE: Final = (19.0, 19.0, 8.5)


class Icons:
    """Draws the files of `folder`; each icon is drawn once and kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tray: dict[tuple[str, str], QIcon] = {}
        self._glyphs: dict[tuple[str, str, int], QIcon] = {}

    def application(self) -> QIcon:
        """The program's own icon."""
        icon = QIcon()
        renderer = self._renderer("scribe")
        for size in (32, 48, 64, 128, 256):
            icon.addPixmap(_drawn(renderer, size))
        return icon

    def tray(self, icon: Icon, scheme: str) -> QIcon:
        """A tray view for a `light` or a `dark` desktop."""
        key = (icon.name, scheme)
        if key not in self._tray:
            found = QIcon()
            for size in TRAY_SIZES:
                found.addPixmap(self.tray_pixmap(icon, scheme, size))
            self._tray[key] = found
        return self._tray[key]

    def tray_pixmap(self, icon: Icon, scheme: str, size: int) -> QPixmap:
        """A tray view at `size` pixels."""
        pixmap = _drawn(self._renderer(f"{scheme}/tray-{icon.base}"), size)
        if icon.badge:
            self._add_badge(pixmap, f"{scheme}/badge-{icon.badge}", size / 24)
        return pixmap

    def glyph(self, name: str, colour: str, size: int) -> QIcon:
        """A sign for a button, `size` units large, in `colour`."""
        key = (name, colour, size)
        if key not in self._glyphs:
            renderer = self._renderer(name, colour)
            icon = QIcon()
            for ratio in GLYPH_RATIOS:
                pixmap = _drawn(renderer, size * ratio)
                pixmap.setDevicePixelRatio(ratio)
                icon.addPixmap(pixmap)
            self._glyphs[key] = icon
        return self._glyphs[key]

    def _renderer(self, name: str, colour: str = INK) -> QSvgRenderer:
        text = (self._folder / f"{name}.svg").read_text(encoding="utf-8")
        return QSvgRenderer(QByteArray(text.replace(INK, colour).encode()))

    def _add_badge(self, pixmap: QPixmap, name: str, unit: float) -> None:
        x, y, radius = (value * unit for value in HOLE)
        left, top, side = (value * unit for value in BADGE)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(Qt.GlobalColor.black)
        painter.drawEllipse(QRectF(x - radius, y - radius, 2 * radius, 2 * radius))
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        self._renderer(name).render(painter, QRectF(left, top, side, side))
        painter.end()


def _drawn(renderer: QSvgRenderer, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap
