"""Puts the colours on the screen, and follows the system between dark and light."""

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from scribe_desktop.ui.palette import DARK, LIGHT, Colours

SMALL, NORMAL, LARGE, CLOCK = 12, 14, 18, 36
"""The four sizes of text, in units of 1/96 inch."""


def font(size: int, *, strong: bool = False) -> QFont:
    """The system's font in one of the four sizes, with figures of equal width."""
    found = QFont(QApplication.font())
    found.setPixelSize(size)
    found.setWeight(QFont.Weight.DemiBold if strong else QFont.Weight.Normal)
    found.setFeature(QFont.Tag("tnum"), 1)
    return found


class Theme(QObject):
    """Owns the palette of the application.

    `preferred` is `light`, `dark` or `system`. Where the system does not tell its scheme (plain
    X11, offscreen), the palette that it came with decides.
    """

    changed = Signal(object)

    def __init__(self, application: QApplication, preferred: str = "system") -> None:
        super().__init__(application)
        self._application = application
        self._preferred = preferred
        self._came_dark = _is_dark(application.palette())
        application.setStyle(QStyleFactory.create("Fusion"))
        application.setFont(font(NORMAL))
        self.colours = self._choose()
        self._put_on()
        application.styleHints().colorSchemeChanged.connect(self._follow)

    @Slot()
    def _follow(self) -> None:
        chosen = self._choose()
        if chosen is not self.colours:
            self.colours = chosen
            self._put_on()
            self.changed.emit(chosen)

    def prefer(self, preferred: str) -> None:
        """Change to `light`, `dark` or `system` now."""
        self._preferred = preferred
        self._follow()

    def _choose(self) -> Colours:
        if self._preferred in {"light", "dark"}:
            return DARK if self._preferred == "dark" else LIGHT
        match self._application.styleHints().colorScheme():
            case Qt.ColorScheme.Dark:
                return DARK
            case Qt.ColorScheme.Light:
                return LIGHT
            case _:
                return DARK if self._came_dark else LIGHT

    def _put_on(self) -> None:
        self._application.setPalette(palette_of(self.colours))
        self._application.setStyleSheet(style_sheet(self.colours))


def _is_dark(palette: QPalette) -> bool:
    window = palette.color(QPalette.ColorRole.Window)
    return window.lightness() < palette.color(QPalette.ColorRole.WindowText).lightness()


def palette_of(colours: Colours) -> QPalette:
    """The roles as Qt names them."""
    role = QPalette.ColorRole
    table = {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.surface,
        role.AlternateBase: colours.window,
        role.Text: colours.text,
        role.Button: colours.surface,
        role.ButtonText: colours.text,
        role.BrightText: colours.recording,
        role.Highlight: colours.line,
        role.HighlightedText: colours.text,
        role.ToolTipBase: colours.surface,
        role.ToolTipText: colours.text,
        role.PlaceholderText: colours.secondary,
        role.Link: colours.sending,
        role.Accent: colours.recording,
    }
    palette = QPalette()
    for name, colour in table.items():
        palette.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(colours.secondary))
    return palette


def style_sheet(colours: Colours) -> str:
    """Surfaces, lines and text buttons; everything else is drawn by its widget."""
    return f"""
        #card {{ background: {colours.surface}; border: 1px solid {colours.line};
                 border-radius: 8px; }}
        #notice {{ background: {colours.surface}; border: 1px solid {colours.problem};
                   border-radius: 8px; }}
        #news {{ background: {colours.surface}; border: 1px solid {colours.verified};
                 border-radius: 8px; }}
        QLabel[quiet="true"] {{ color: {colours.secondary}; }}
        QLabel[live="true"] {{ color: {colours.recording}; }}
        QListView {{ background: transparent; border: none; outline: none; }}
        #page, QScrollArea {{ background: transparent; border: none; }}
        QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
        QScrollBar::handle:vertical {{ background: {colours.line}; border-radius: 4px;
                                       min-height: 32px; }}
        QScrollBar::handle:vertical:hover {{ background: {colours.secondary}; }}
        QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
        QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{ background: none; }}
        QPushButton {{ background: {colours.surface}; color: {colours.text};
                       border: 1px solid {colours.line}; border-radius: 8px;
                       padding: 7px 16px; }}
        QPushButton:hover {{ border-color: {colours.secondary}; }}
        QPushButton:focus {{ border: 2px solid {colours.text}; padding: 6px 15px; }}
        QPushButton:pressed {{ background: {colours.window}; }}
        QToolButton {{ background: transparent; border: 1px solid transparent;
                       border-radius: 8px; padding: 4px; }}
        QToolButton:hover {{ background: {colours.window}; }}
        QToolButton:focus {{ border-color: {colours.text}; }}
    """
