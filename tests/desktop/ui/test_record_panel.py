from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget

from scribe_desktop.model import CaptureState, Level, Status, SyncState
from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.level_meter import LevelMeter, fraction
from scribe_desktop.ui.palette import DARK, LIGHT
from scribe_desktop.ui.part_cell import draw_part
from scribe_desktop.ui.parts import Part
from scribe_desktop.ui.presenter import present
from scribe_desktop.ui.record_panel import NO_BREAK, RecordPanel
from scribe_desktop.ui.ribbon import ROWS, RibbonView
from scribe_desktop.ui.round_button import RecordButton, RoundButton
from scribe_desktop.ui.words import Words
from tests.desktop.ui.fake_app import status_of

Wait = Callable[[Callable[[], object]], None]
WORDS = Words()


@pytest.fixture
def panel(icons: Icons) -> RecordPanel:
    made = RecordPanel(LIGHT, icons, WORDS)
    made.resize(440, 480)
    made.show()
    return made


def show(panel: RecordPanel, status: Status) -> None:
    panel.show_view(present(status, WORDS), status, "USB mic")


def pixels(widget: QWidget) -> set[str]:
    image = widget.grab().toImage()
    rows, columns = range(image.height()), range(image.width())
    return {image.pixelColor(x, y).name().upper() for y in rows for x in columns}


def test_while_idle_there_is_one_button(panel: RecordPanel) -> None:
    show(panel, status_of())
    buttons = panel.findChildren(QAbstractButton)
    assert [button.text() for button in buttons if button.isVisible()] == ["Record"]
    assert panel.device.text() == "USB mic"
    assert panel.level.text() == ""


def test_while_recording_time_device_level_and_the_honest_line_are_shown(
    panel: RecordPanel,
) -> None:
    capture = {"device": "AirPods", "level": Level(-12.0, -20.0)}
    show(panel, status_of(CaptureState.RECORDING, seconds=2530, safe=2490, capture=capture))
    assert panel.headline.text() == "Recording"
    assert panel.clock.text() == "42:10"
    assert panel.device.text() == "AirPods"
    assert panel.level.text() == panel.meter.accessibleDescription() == "Good"
    assert panel.line.text().replace(NO_BREAK, " ") == panel.line.accessibleName()
    assert panel.line.accessibleName().endswith("40 s only on this computer")
    assert panel.server.text() == "scribe.example"
    assert [button.text() for button in (panel.record, panel.pause, panel.marker)] == [
        "Stop",
        "Pause",
        "Marker",
    ]


def test_a_paused_recording_can_be_resumed(panel: RecordPanel) -> None:
    show(panel, status_of(CaptureState.PAUSED, seconds=5))
    assert panel.pause.text() == panel.pause.accessibleName() == "Resume"
    assert panel.pause.isEnabled()


def test_while_the_last_part_is_saved_nothing_can_be_pressed(panel: RecordPanel) -> None:
    show(panel, status_of(CaptureState.FINALISING, seconds=5))
    buttons = (panel.record, panel.pause, panel.marker)
    assert [button.isEnabled() for button in buttons] == [False, False, False]


def test_nothing_jumps_when_a_recording_starts(panel: RecordPanel) -> None:
    show(panel, status_of())
    QTest.qWait(1)
    before = panel.record.mapTo(panel, QPoint(0, 0))
    show(panel, status_of(CaptureState.RECORDING, seconds=1))
    QTest.qWait(1)
    assert panel.record.mapTo(panel, QPoint(0, 0)) == before


def test_the_buttons_say_what_is_wanted(panel: RecordPanel) -> None:
    wanted: list[str] = []
    panel.record_or_stop.connect(lambda: wanted.append("record"))
    panel.pause_or_resume.connect(lambda: wanted.append("pause"))
    panel.mark.connect(lambda: wanted.append("mark"))
    show(panel, status_of(CaptureState.RECORDING))
    QTest.mouseClick(panel.record, Qt.MouseButton.LeftButton)
    QTest.keyClick(panel.pause, Qt.Key.Key_Return)
    QTest.keyClick(panel.marker, Qt.Key.Key_Enter)
    assert wanted == ["record", "pause", "mark"]


def test_the_ribbon_is_told_in_words_and_a_cell_has_a_length(panel: RecordPanel) -> None:
    panel.show_parts([Part.STORED, Part.RECORDING], "", local=False)
    told = "2 parts: 1 on the server, 1 being recorded"
    assert panel.ribbon.accessibleDescription() == told
    assert panel.caption.text() == f"{told} · one cell is 30 s"
    panel.show_parts([Part.VERIFIED], "Team call", local=True)
    assert panel.caption.text().startswith("Team call · 1 part: 1 stored and checked")
    panel.show_parts([], "", local=True)
    assert not panel.ribbon.isVisible()


def test_the_panel_can_change_its_colours(panel: RecordPanel) -> None:
    show(panel, status_of(CaptureState.RECORDING, SyncState.SYNCING))
    assert LIGHT.recording in pixels(panel.record)
    panel.set_colours(DARK)
    assert DARK.recording in pixels(panel.record)


def test_the_focus_ring_is_for_those_who_move_by_keyboard(panel: RecordPanel) -> None:
    button = panel.record
    panel.activateWindow()
    QTest.qWaitForWindowActive(panel)
    panel.pause.setFocus(Qt.FocusReason.MouseFocusReason)
    without = button.grab().toImage()
    button.setFocus(Qt.FocusReason.MouseFocusReason)
    assert button.grab().toImage() == without
    panel.pause.setFocus(Qt.FocusReason.TabFocusReason)
    button.setFocus(Qt.FocusReason.BacktabFocusReason)
    assert button.grab().toImage() != without


def test_every_control_has_an_accessible_name(panel: RecordPanel) -> None:
    show(panel, status_of(CaptureState.RECORDING))
    controls = [*panel.findChildren(QAbstractButton), panel.meter, panel.ribbon, panel.clock]
    assert all(control.accessibleName() for control in controls)


def test_a_plain_round_button_has_to_be_drawn_by_its_kind(application: object) -> None:
    button = RoundButton(48, LIGHT)
    with pytest.raises(NotImplementedError):
        button.draw_disc(QPainter(), QPointF(24, 24), 24)


def test_a_disabled_record_button_does_not_glow(application: object) -> None:
    button = RecordButton(LIGHT)
    button.resize(button.sizeHint())
    button.setEnabled(False)
    assert LIGHT.recording not in pixels(button)


@pytest.mark.parametrize(
    ("dbfs", "share"), [(-120.0, 0.0), (-60.0, 0.0), (-30.0, 0.5), (0.0, 1.0), (3.0, 1.0)]
)
def test_the_meter_covers_60_decibels(dbfs: float, share: float) -> None:
    assert fraction(dbfs) == pytest.approx(share)


def test_the_meter_turns_red_only_when_it_clips(application: object) -> None:
    meter = LevelMeter(LIGHT)
    meter.resize(200, 8)
    assert pixels(meter).isdisjoint({LIGHT.stored, LIGHT.recording})
    meter.show_level(Level(-6.0, -18.0))
    assert LIGHT.stored in pixels(meter)
    meter.show_level(Level(-0.1, -6.0))
    assert LIGHT.recording in pixels(meter)


def test_an_hour_has_its_own_cells_and_a_day_fits_into_five_rows(application: object) -> None:
    ribbon = RibbonView(LIGHT)
    ribbon.resize(384, 80)
    ribbon.show()
    ribbon.show_parts([Part.STORED] * 120)
    assert (ribbon.ribbon.parts_per_cell, len(ribbon.ribbon.cells)) == (1, 120)
    ribbon.show_parts([Part.STORED] * 2880)
    assert len(ribbon.ribbon.cells) <= ribbon.columns * ROWS
    assert ribbon.sizeHint().height() <= ROWS * 16
    assert LIGHT.stored in pixels(ribbon)


def test_a_narrower_ribbon_lays_itself_out_again(application: object) -> None:
    ribbon = RibbonView(LIGHT)
    ribbon.resize(384, 80)
    ribbon.show()
    ribbon.show_parts([Part.STORED] * 120)
    ribbon.resize(192, 80)
    assert ribbon.ribbon.parts_per_cell == 2


def test_parts_differ_by_fill_not_only_by_hue(application: object) -> None:
    def drawn(part: Part) -> bytes:
        image = QImage(QSize(24, 24), QImage.Format.Format_ARGB32)
        image.fill(QColor("#FFFFFF"))
        painter = QPainter(image)
        draw_part(painter, QRectF(image.rect()), part, LIGHT)
        painter.end()
        return bytes(
            image.pixelColor(x, y).name().upper() != "#FFFFFF" for x in range(24) for y in range(24)
        )

    assert len({drawn(part) for part in Part}) == len(Part)
