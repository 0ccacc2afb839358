import threading
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from scribe_desktop.errors import SpoolError
from scribe_desktop.model import CaptureState
from scribe_desktop.spool import Salvage
from scribe_desktop.ui import qt_app
from scribe_desktop.ui.qt_app import Gui
from scribe_desktop.ui.quit_dialog import QuitDialog
from tests.desktop.ui.fake_app import FakeApp, session, status_of

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def has_tray(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    there = [True]
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: there[0]))
    return there


@pytest.fixture
def quits(application: QApplication, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    counted: list[bool] = []
    monkeypatch.setattr(QApplication, "exit", lambda *_: counted.append(True))
    return counted


@pytest.fixture
def gui(
    application: QApplication, app: FakeApp, has_tray: list[bool], quits: list[bool]
) -> Iterator[Gui]:
    made = Gui(application, app)
    yield made
    made.stop()
    made.window.hide()
    made.deleteLater()


def dialog_of(gui: Gui) -> QuitDialog:
    found = gui.window.findChild(QuitDialog)
    assert found is not None
    return found


def test_a_start_shows_window_tray_and_recordings(gui: Gui, app: FakeApp, wait: Wait) -> None:
    app.shelf = [session("one")]
    gui.start(hidden=False)
    assert gui.window.isVisible()
    assert gui.tray.visible
    wait(lambda: gui.window.model.rowCount() == 1)


def test_a_hidden_start_shows_only_the_tray(gui: Gui) -> None:
    gui.start(hidden=True)
    gui._show_without_tray()
    assert not gui.window.isVisible()


def test_a_hidden_start_without_a_tray_does_not_hide_into_nothing(
    gui: Gui, has_tray: list[bool], monkeypatch: pytest.MonkeyPatch, wait: Wait
) -> None:
    has_tray[0] = False
    monkeypatch.setattr(qt_app, "TRAY_PATIENCE_MS", 20)
    gui.start(hidden=True)
    assert not gui.window.isVisible()
    wait(gui.window.isVisible)


def test_closing_hides_the_window_while_there_is_a_tray(gui: Gui, quits: list[bool]) -> None:
    gui.start(hidden=False)
    gui.window.close()
    assert not gui.window.isVisible()
    assert quits == []


def test_closing_quits_when_there_is_no_tray(
    gui: Gui, quits: list[bool], has_tray: list[bool]
) -> None:
    has_tray[0] = False
    gui.start(hidden=False)
    gui.window.close()
    assert quits == [True]


def test_a_left_click_on_the_tray_toggles_the_window(gui: Gui) -> None:
    gui.start(hidden=False)
    gui.tray.toggle_window.emit()
    assert not gui.window.isVisible()
    gui.tray.toggle_window.emit()
    assert gui.window.isVisible()


def test_quitting_while_nothing_is_recorded_asks_nothing(gui: Gui, quits: list[bool]) -> None:
    gui.start(hidden=False)
    gui.ask_to_quit()
    assert quits == [True]


def test_stop_and_quit_stops_first(gui: Gui, app: FakeApp, quits: list[bool]) -> None:
    app.status = status_of(CaptureState.RECORDING)
    gui.start(hidden=False)
    gui.ask_to_quit()
    assert quits == []
    dialog_of(gui).stop_button.click()
    assert app.calls == ["stop_recording"]
    assert quits


def test_quitting_waits_for_the_last_part(gui: Gui, app: FakeApp, quits: list[bool]) -> None:
    app.status = status_of(CaptureState.RECORDING)
    app.stop_recording = lambda: app.capture(CaptureState.FINALISING)
    gui.start(hidden=False)
    gui.ask_to_quit()
    dialog_of(gui).stop_button.click()
    assert quits == []
    app.capture(CaptureState.IDLE)
    assert quits


def test_keep_recording_goes_back_to_the_tray(gui: Gui, app: FakeApp, quits: list[bool]) -> None:
    app.status = status_of(CaptureState.RECORDING)
    gui.start(hidden=False)
    gui.ask_to_quit()
    dialog_of(gui).keep_button.click()
    assert (app.calls, quits) == ([], [])
    assert not gui.window.isVisible()


def test_cancel_changes_nothing_and_asking_twice_asks_once(
    gui: Gui, app: FakeApp, quits: list[bool]
) -> None:
    app.status = status_of(CaptureState.RECORDING)
    gui.start(hidden=False)
    gui.ask_to_quit()
    gui.ask_to_quit()
    assert len(gui.window.findChildren(QuitDialog)) == 1
    dialog_of(gui).cancel_button.click()
    assert (app.calls, quits) == ([], [])
    assert gui.window.isVisible()


def test_a_second_start_raises_the_window_from_another_thread(gui: Gui, wait: Wait) -> None:
    gui.start(hidden=True)
    replies: list[object] = []
    other = threading.Thread(target=lambda: replies.append(gui.answer_raise({})))
    other.start()
    other.join()
    wait(gui.window.isVisible)
    assert replies == [{}]


def test_a_recovered_recording_is_told_once(gui: Gui, app: FakeApp, wait: Wait) -> None:
    app.shelf = [session("one", recovered=True), session("two")]
    app.storage.recovered = ["one"]
    gui.start(hidden=False)
    wait(gui.window.news.isVisible)
    assert gui.window.news.accessibleName().startswith(
        "Recovered. “Team call” (10:00) after an unexpected stop."
    )
    gui.window.news.hide()
    gui.shelf.refresh()
    QTest.qWait(50)
    assert not gui.window.news.isVisible()


def test_a_damaged_list_of_recordings_is_told(gui: Gui, app: FakeApp) -> None:
    app.storage.salvaged = [
        Salvage("the quarantined file", sessions=2, parts=7, lost_parts=1, lost_ms=30_000)
    ]
    gui.start(hidden=False)
    assert gui.window.error.isVisible()
    told = gui.window.error.accessibleName()
    assert "2 recordings with 7 parts were saved, 1 parts (0.5 minutes) were lost." in told
    assert "the quarantined file" in told


def test_recovery_that_was_put_off_is_told(gui: Gui, app: FakeApp) -> None:
    app.storage.recovery_failure = SpoolError("Not recovered", "The disk is full.")
    gui.start(hidden=False)
    assert gui.window.error.accessibleName() == "Not recovered. The disk is full."


def test_the_program_runs_until_it_is_quit(
    application: QApplication, app: FakeApp, monkeypatch: pytest.MonkeyPatch, has_tray: list[bool]
) -> None:
    monkeypatch.setattr(qt_app, "make_application", lambda: application)
    monkeypatch.setattr(qt_app.signal, "signal", lambda *_: None)
    QTimer.singleShot(50, application.quit)
    assert qt_app.run_gui(app, start_hidden=True) == 0
    assert list(app.handlers) == ["raise"]


def test_recordings_that_are_back_in_their_place_are_told(gui: Gui, app: FakeApp) -> None:
    app.storage.taken_over = [Salvage("the rescue folder", sessions=2, parts=7)]
    gui.start(hidden=False)
    assert gui.window.news.isVisible()
    told = gui.window.news.accessibleName()
    assert told.startswith("Recordings are back in their place. 2 recordings with 7 parts")
