from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QSystemTrayIcon

from scribe_desktop.model import CaptureReason, CaptureState, Status, SyncState
from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.intents import Intents
from scribe_desktop.ui.palette import DARK, LIGHT
from scribe_desktop.ui.presenter import present
from scribe_desktop.ui.tray import Tray
from scribe_desktop.ui.words import Words
from tests.desktop.ui.fake_app import FakeApp, status_of

Wait = Callable[[Callable[[], object]], None]
WORDS = Words()


class Host:
    """Whether the desktop has a tray."""

    there = True


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    is_there = staticmethod(lambda: host.there)
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", is_there)
    return host


@pytest.fixture
def intents(app: FakeApp) -> Intents:
    return Intents(app)


@pytest.fixture
def tray(host: Host, intents: Intents, icons: Icons) -> Iterator[Tray]:
    made = Tray(intents, icons, LIGHT, WORDS)
    yield made
    made.stop()


def show(tray: Tray, status: Status) -> list[str]:
    """Show a status; what the menu then offers."""
    tray.show_view(present(status, WORDS))
    actions = tray.menu.actions()
    return [action.text() for action in actions if action.isVisible() and action.text()]


def test_the_menu_of_an_idle_scribe(tray: Tray) -> None:
    tray.start()
    assert show(tray, status_of()) == [
        "Ready",
        "Start recording",
        "All recordings are safe on the server",
        "Pause sending",
        "Open Scribe",
        "Quit",
    ]


def test_the_menu_while_recording(tray: Tray) -> None:
    tray.start()
    status = status_of(CaptureState.RECORDING, SyncState.OFFLINE, seconds=61, pending=3)
    assert show(tray, status) == [
        "Recording 1:01",
        "Pause",
        "Stop",
        "Add marker",
        "Offline: 3 parts safe here, sent later",
        "Pause sending",
        "Send now",
        "Open Scribe",
        "Quit",
    ]


def test_a_problem_stands_on_top_with_its_fix(tray: Tray, app: FakeApp, intents: Intents) -> None:
    tray.start()
    texts = show(tray, status_of(capture={"reason": CaptureReason.FAILED}))
    assert texts[:3] == ["Recording failed", "Record again", "Ready"]
    tray.menu.actions()[1].trigger()
    intents.finish()
    assert app.calls == ["start_recording"]


def test_a_click_in_the_menu_is_an_intent(tray: Tray, app: FakeApp, intents: Intents) -> None:
    tray.start()
    show(tray, status_of())
    actions = {action.objectName(): action for action in tray.menu.actions()}
    actions["start"].trigger()
    intents.finish()
    actions["sending"].trigger()
    assert app.calls == ["start_recording", "set_sync_paused True"]


def test_a_tray_that_comes_late_is_found(tray: Tray, host: Host, wait: Wait) -> None:
    host.there = False
    tray._retry.setInterval(10)
    tray.start()
    show(tray, status_of(CaptureState.RECORDING, seconds=61))
    assert not tray.visible
    host.there = True
    wait(lambda: tray.visible)
    assert tray._icon is not None
    assert tray._icon.toolTip().startswith("Scribe — Recording 1:01")


def test_without_a_tray_nothing_is_visible(tray: Tray, host: Host) -> None:
    tray.start()
    assert tray.visible
    host.there = False
    assert not tray.visible


def test_the_icon_is_repainted_when_the_desktop_turns_dark(tray: Tray) -> None:
    tray.start()
    show(tray, status_of())
    assert tray._icon is not None
    light = tray._icon.icon().pixmap(22, 22).toImage()
    tray.set_colours(DARK)
    assert tray._icon.icon().pixmap(22, 22).toImage() != light


def test_the_menu_is_fresh_when_it_opens(tray: Tray) -> None:
    tray.start()
    show(tray, status_of())
    opened: list[bool] = []
    tray.menu_opening.connect(lambda: opened.append(True))
    tray.menu.aboutToShow.emit()
    assert opened == [True]


def test_a_left_click_toggles_the_window_and_a_right_click_does_not(tray: Tray) -> None:
    tray.start()
    toggled: list[bool] = []
    tray.toggle_window.connect(lambda: toggled.append(True))
    assert tray._icon is not None
    tray._icon.activated.emit(QSystemTrayIcon.ActivationReason.Context)
    tray._icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    assert toggled == [True]
