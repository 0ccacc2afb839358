"""The tray icon and its menu. The tray itself may come late, or never."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.intents import Intents
from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.presenter import Icon, View
from scribe_desktop.ui.problems import Fix
from scribe_desktop.ui.words import Words

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

RETRY_MS = 1_000


class Tray(QObject):
    """Shows a `View` in the tray as soon as there is one.

    Emits `toggle_window` on a left click, `open_window` and `quit_wanted` from the menu,
    `appeared` once the icon is shown, and `menu_opening` just before the menu opens.
    """

    toggle_window = Signal()
    open_window = Signal()
    quit_wanted = Signal()
    appeared = Signal()
    menu_opening = Signal()

    def __init__(self, intents: Intents, icons: Icons, colours: Colours, words: Words) -> None:
        super().__init__()
        self._intents = intents
        self._icons = icons
        self._scheme = colours.name
        self._words = words
        self._view: View | None = None
        self._drawn: tuple[str, str] | None = None
        self._icon: QSystemTrayIcon | None = None
        self.menu = QMenu()
        self._actions: dict[str, QAction] = {}
        self._retry = QTimer(self)
        self._retry.setInterval(RETRY_MS)
        self._retry.timeout.connect(self.try_to_appear)

    @property
    def visible(self) -> bool:
        """Whether the icon can be seen and clicked now."""
        return (
            self._icon is not None
            and self._icon.isVisible()
            and QSystemTrayIcon.isSystemTrayAvailable()
        )

    def start(self) -> None:
        """Appear now, or as soon as a tray does: it may start after us at login."""
        self._retry.start()
        self.try_to_appear()

    def stop(self) -> None:
        """Leave the tray."""
        self._retry.stop()
        if self._icon is not None:
            self._icon.hide()

    @Slot()
    def try_to_appear(self) -> None:
        """Show the icon when there is a tray and none is shown yet."""
        if not QSystemTrayIcon.isSystemTrayAvailable():
            return
        self._retry.stop()
        self._icon = QSystemTrayIcon(self._icons.tray(Icon(), self._scheme), self)
        self._icon.setContextMenu(self.menu)  # before the actions: a D-Bus menu misses older ones
        self._fill_menu()
        self._icon.activated.connect(self._on_activated)
        self._drawn = None
        self._refresh()
        self._icon.show()
        self.appeared.emit()

    def _fill_menu(self) -> None:
        tr, intents = self._words.tr, self._intents
        self._add("problem", "", None)
        self._add("fix", "", self._fix)
        self._add("status", "", None)
        self._add("start", tr("Start recording"), intents.record)
        self._add("pause", tr("Pause"), intents.pause_or_resume)
        self._add("resume", tr("Resume"), intents.pause_or_resume)
        self._add("stop", tr("Stop"), intents.stop)
        self._add("mark", tr("Add marker"), intents.mark)
        self.menu.addSeparator()
        self._add("sync", "", None)
        self._add("sending", "", intents.pause_or_resume_sending)
        self._add("send_now", tr("Send now"), intents.send_now)
        self.menu.addSeparator()
        self._add("open", tr("Open Scribe"), self.open_window.emit)
        self.menu.addSeparator()
        self._add("quit", tr("Quit"), self.quit_wanted.emit)
        self.menu.aboutToShow.connect(self._on_about_to_show)

    def _add(self, name: str, text: str, act: object) -> None:
        action = self.menu.addAction(text)
        action.setObjectName(name)
        if act is None:
            action.setEnabled(False)
        else:
            action.triggered.connect(act)
        self._actions[name] = action

    def show_view(self, view: View) -> None:
        """Show this view."""
        if view != self._view:
            self._view = view
            self._refresh()

    @Slot(object)
    def set_colours(self, colours: Colours) -> None:
        """Repaint for a light or a dark desktop."""
        self._scheme = colours.name
        self._refresh()

    @Slot()
    def _on_about_to_show(self) -> None:
        self.menu_opening.emit()
        self._refresh()

    def _refresh(self) -> None:
        view, icon = self._view, self._icon
        if view is None or icon is None:
            return
        wanted = (view.icon.name, self._scheme)
        if wanted != self._drawn:
            self._drawn = wanted
            icon.setIcon(self._icons.tray(view.icon, self._scheme))
        if icon.toolTip() != view.tooltip:
            icon.setToolTip(view.tooltip)
        self._show_actions(view)

    def _show_actions(self, view: View) -> None:
        tr, actions = self._words.tr, view.actions
        problem = view.problem
        fix = problem.fix if problem is not None else Fix.NONE
        self._show("problem", problem.title if problem is not None else "")
        fix_words = {
            Fix.NONE: "",
            Fix.RECORD: tr("Record again"),
            Fix.SEND_NOW: tr("Try again now"),
        }
        self._show("fix", fix_words[fix])
        self._show("status", f"{view.headline} {view.clock}" if view.capturing else view.headline)
        for name in ("start", "pause", "resume", "stop", "mark", "send_now"):
            self._actions[name].setVisible(getattr(actions, name))
        self._show("sync", view.sync)
        paused = self._intents.sync_paused
        self._show("sending", tr("Resume sending") if paused else tr("Pause sending"))

    def _show(self, name: str, text: str) -> None:
        action = self._actions[name]
        if action.text() != text:
            action.setText(text)
        action.setVisible(bool(text))

    @Slot()
    def _fix(self) -> None:
        if self._view is not None and self._view.problem is not None:
            self._intents.repair(self._view.problem.fix)

    @Slot(QSystemTrayIcon.ActivationReason)
    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.toggle_window.emit()
