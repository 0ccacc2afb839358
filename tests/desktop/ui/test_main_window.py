from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QToolButton

from scribe_desktop.errors import AudioError
from scribe_desktop.model import CaptureReason, CaptureState, Status, SyncState
from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.intents import Intents
from scribe_desktop.ui.main_window import MainWindow
from scribe_desktop.ui.notice import Notice
from scribe_desktop.ui.palette import DARK, LIGHT
from scribe_desktop.ui.parts import Part
from scribe_desktop.ui.presenter import present
from scribe_desktop.ui.problems import Fix, Problem
from scribe_desktop.ui.shelf import Shelf
from scribe_desktop.ui.words import Words
from tests.desktop.ui.fake_app import NOON, FakeApp, chunk, session, status_of

Wait = Callable[[Callable[[], object]], None]
WORDS = Words()


@pytest.fixture
def window(app: FakeApp, icons: Icons) -> MainWindow:
    intents = Intents(app)
    now = datetime.fromtimestamp(NOON / 1000, tz=UTC)
    made = MainWindow(intents, icons, LIGHT, WORDS, lambda: now)
    intents.setParent(made)
    made.show()
    made.activateWindow()
    QTest.qWaitForWindowActive(made)
    return made


def show(window: MainWindow, app: FakeApp, status: Status) -> None:
    app.status = status
    window.show_view(present(status, WORDS), status)


def test_space_pauses_whatever_button_has_the_focus(window: MainWindow, app: FakeApp) -> None:
    show(window, app, status_of(CaptureState.RECORDING))
    window.panel.record.setFocus()
    QTest.keyClick(window.panel.record, Qt.Key.Key_Space)
    assert app.calls == ["pause_recording"]


def test_space_presses_the_focused_button_while_there_is_nothing_to_pause(
    window: MainWindow, app: FakeApp
) -> None:
    show(window, app, status_of())
    window.panel.record.setFocus()
    QTest.keyClick(window.panel.record, Qt.Key.Key_Space)
    window._intents.finish()
    assert app.calls == ["start_recording"]


@pytest.mark.parametrize(
    ("key", "modifier", "calls"),
    [
        (Qt.Key.Key_M, Qt.KeyboardModifier.NoModifier, ["add_marker"]),
        (Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier, ["stop_recording"]),
    ],
)
def test_the_window_works_by_keyboard(
    window: MainWindow,
    app: FakeApp,
    key: Qt.Key,
    modifier: Qt.KeyboardModifier,
    calls: list[str],
) -> None:
    show(window, app, status_of(CaptureState.RECORDING))
    QTest.keyClick(window, key, modifier)
    assert app.calls == calls


def test_everything_that_can_be_pressed_can_be_reached_by_tab(
    window: MainWindow, app: FakeApp
) -> None:
    show(window, app, status_of(CaptureState.RECORDING))
    window.show_shelf(Shelf((session("one"),)))
    reached = set()
    for _ in range(12):
        QTest.keyClick(window, Qt.Key.Key_Tab)
        focused = window.focusWidget()
        assert focused is not None
        reached.add(focused.objectName())
    assert {"record", "pause", "marker", "sessions"} <= reached


def test_a_refused_call_is_shown_until_it_is_dismissed(
    window: MainWindow, app: FakeApp, wait: Wait
) -> None:
    app.error = AudioError("No microphone", "None was found.", "Plug one in.")
    show(window, app, status_of())
    QTest.mouseClick(window.panel.record, Qt.MouseButton.LeftButton)
    wait(window.error.isVisible)
    assert window.error.accessibleName() == "No microphone. None was found. Plug one in."
    close = window.error.findChild(QToolButton, "dismiss")
    assert close is not None
    close.click()
    assert not window.error.isVisible()


def test_the_same_refusal_shows_again_after_it_was_dismissed(window: MainWindow) -> None:
    error = AudioError("No microphone", "None was found.")
    window.show_error(error)
    window.error.hide()
    window.show_error(error)
    assert window.error.isVisible()


def test_a_refusal_goes_when_a_recording_starts(window: MainWindow, app: FakeApp) -> None:
    window.show_error(AudioError("No microphone", "None was found."))
    show(window, app, status_of(CaptureState.STARTING))
    assert not window.error.isVisible()


def test_a_problem_shows_its_fix_and_goes_when_it_is_over(window: MainWindow, app: FakeApp) -> None:
    show(window, app, status_of(sync=SyncState.ERROR, error_code="unauthorized", pending=1))
    fix = window.problem.findChild(QAbstractButton, "fix")
    assert fix is not None
    assert fix.isVisible()
    fix.click()
    assert app.calls == ["send_now"]
    show(window, app, status_of())
    assert not window.problem.isVisible()


def test_a_dismissed_problem_stays_away_until_it_changes(window: MainWindow, app: FakeApp) -> None:
    lost = status_of(CaptureState.RECORDING, capture={"reason": CaptureReason.NO_DEVICE})
    show(window, app, lost)
    window.problem.hide()
    show(window, app, lost)
    assert not window.problem.isVisible()
    show(window, app, status_of(capture={"reason": CaptureReason.FAILED}))
    assert window.problem.isVisible()


def test_news_can_be_dismissed(window: MainWindow) -> None:
    window.show_news("Recovered", "“Team call” (10:00).")
    assert window.news.isVisible()
    assert window.news.problem == Problem("Recovered", "“Team call” (10:00).")


def test_a_notice_without_a_fix_offers_none(icons: Icons) -> None:
    notice = Notice(LIGHT, icons)
    wanted: list[Fix] = []
    notice.fix_wanted.connect(wanted.append)
    notice._want_fix()
    notice.show_problem(Problem("Disk full", "No room."))
    fix = notice.findChild(QAbstractButton, "fix")
    assert fix is not None
    assert not fix.isVisibleTo(notice)
    assert wanted == []


def test_the_ribbon_shows_the_running_recording(window: MainWindow, app: FakeApp) -> None:
    show(window, app, status_of(CaptureState.RECORDING, in_flight=1))
    window.show_shelf(Shelf((session("one", has_receipt=False),), (chunk(0, acked=True), chunk(1))))
    assert window.panel.ribbon.ribbon.cells == (Part.STORED, Part.SENDING, Part.RECORDING)


def test_the_ribbon_of_the_recording_before_is_not_shown_as_this_one(
    window: MainWindow, app: FakeApp
) -> None:
    show(window, app, status_of(CaptureState.RECORDING))
    window.show_shelf(Shelf((session("before"),), (chunk(0, acked=True),)))
    assert window.panel.ribbon.ribbon.cells == (Part.RECORDING,)


def test_after_the_stop_the_ribbon_shows_the_newest_recording(
    window: MainWindow, app: FakeApp
) -> None:
    show(window, app, status_of())
    window.show_shelf(Shelf((session("one", title="Team call"),), (chunk(0, acked=True),)))
    assert window.panel.ribbon.ribbon.cells == (Part.VERIFIED,)
    assert window.panel.caption.text().startswith("Team call · ")


def test_the_list_is_beside_the_instrument_from_860_on(window: MainWindow, app: FakeApp) -> None:
    show(window, app, status_of())
    window.resize(480, 760)
    QTest.qWait(1)
    assert window.sessions.y() > window._column.y() + window.panel.height() / 2
    window.resize(860, 760)
    QTest.qWait(1)
    assert window.sessions.x() > window._column.x() + window._column.width()


def test_between_the_two_the_column_stays_readable(window: MainWindow) -> None:
    window.resize(800, 760)
    QTest.qWait(1)
    assert window._column.width() <= 560


def test_closing_the_window_only_asks(window: MainWindow) -> None:
    asked: list[bool] = []
    window.close_wanted.connect(lambda: asked.append(True))
    assert not window.close()
    assert asked == [True]
    assert window.isVisible()


def test_the_window_can_change_its_colours(window: MainWindow, app: FakeApp) -> None:
    show(window, app, status_of())
    window.set_colours(DARK)
    image = window.panel.record.grab().toImage()
    found = {image.pixelColor(x, image.height() // 2).name().upper() for x in range(image.width())}
    assert DARK.recording in found


def test_the_chosen_microphone_is_named(window: MainWindow, app: FakeApp) -> None:
    window.set_device("AirPods")
    show(window, app, status_of())
    assert window.panel.device.text() == "AirPods"
    window.set_device("")
    show(window, app, status_of())
    assert window.panel.device.text() == "System default microphone"
