"""The instrument: state, time, meter, the buttons, the honest line and the ribbon."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from scribe_desktop.model import CaptureState, Status
from scribe_desktop.ui.icons import Icons
from scribe_desktop.ui.level_meter import HEIGHT, LevelMeter
from scribe_desktop.ui.palette import Colours
from scribe_desktop.ui.parts import PART_SECONDS, Part, summary
from scribe_desktop.ui.presenter import View
from scribe_desktop.ui.ribbon import RibbonView
from scribe_desktop.ui.round_button import RecordButton, SideButton
from scribe_desktop.ui.theme import CLOCK, NORMAL, SMALL, font
from scribe_desktop.ui.words import Words

NO_BREAK = "\N{NO-BREAK SPACE}"
"""Between the words of one fact, so that a line breaks between facts."""


class RecordPanel(QFrame):
    """Shows a `View`; emits what the person wants."""

    record_or_stop = Signal()
    pause_or_resume = Signal()
    mark = Signal()

    def __init__(
        self, colours: Colours, icons: Icons, words: Words, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._words = words
        self._colours = colours
        self._parts: list[Part] = []
        self.headline = _label(NORMAL, "headline", strong=True)
        self.server = _label(SMALL, "server", quiet=True)
        self.clock = _label(CLOCK, "clock")
        self.device = _label(SMALL, "device", quiet=True)
        self.meter = LevelMeter(colours)
        self.level = _label(SMALL, "level", quiet=True)
        self.level.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.level.setMinimumWidth(64)  # the bar keeps its length whatever the word
        self.level.setFixedHeight(HEIGHT)
        self.level.hide()
        self.line = _label(NORMAL, "line")
        self.caption = _label(SMALL, "caption", quiet=True)
        self.ribbon = RibbonView(colours)
        self.record = RecordButton(colours)
        self.pause = SideButton("pause", "pause", colours, icons)
        self.marker = SideButton("marker", "marker", colours, icons)
        self._name_things()
        self._arrange()
        self.record.clicked.connect(self.record_or_stop)
        self.pause.clicked.connect(self.pause_or_resume)
        self.marker.clicked.connect(self.mark)

    def _name_things(self) -> None:
        tr = self._words.tr
        self.marker.say(tr("Marker"), tr("Set a marker (M)"))
        self.meter.setAccessibleName(tr("Microphone level"))
        self.ribbon.setAccessibleName(tr("Where the parts of the recording are"))
        self.clock.setAccessibleName(tr("Recorded time"))
        for button in (self.pause, self.marker):
            policy = button.sizePolicy()
            policy.setRetainSizeWhenHidden(True)  # nothing jumps when a recording starts
            button.setSizePolicy(policy)

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(16)
        top = QHBoxLayout()
        top.addWidget(self.headline, stretch=1)
        top.addWidget(self.server)
        column.addLayout(top)
        time = QVBoxLayout()
        time.setSpacing(8)
        time.addWidget(self.clock, alignment=Qt.AlignmentFlag.AlignHCenter)
        time.addWidget(self.device, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(time)
        meter = QHBoxLayout()
        meter.setSpacing(8)
        meter.addWidget(self.meter, stretch=1)
        meter.addWidget(self.level)
        column.addLayout(meter)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.pause, self.record, self.marker):
            buttons.addWidget(button, alignment=Qt.AlignmentFlag.AlignVCenter)
        buttons.addStretch(1)
        column.addLayout(buttons)
        safe = QVBoxLayout()
        safe.setSpacing(8)
        safe.addWidget(self.line)
        safe.addWidget(self.ribbon)
        safe.addWidget(self.caption)
        column.addLayout(safe)
        column.addStretch(1)
        self.line.setWordWrap(True)
        self.caption.setWordWrap(True)

    def set_colours(self, colours: Colours) -> None:
        """Draw with another table."""
        self._colours = colours
        for part in (self.meter, self.ribbon, self.record, self.pause, self.marker):
            part.set_colours(colours)

    def show_view(self, view: View, status: Status, device: str) -> None:
        """Show a status; `device` is the microphone that the next recording would take."""
        tr, actions = self._words.tr, view.actions
        self.headline.setText(view.headline)
        self.clock.setText(view.clock)
        recording = status.capture.state is CaptureState.RECORDING
        _mark(self.headline, "live", on=recording)
        _mark(self.clock, "quiet", on=not recording)
        self.server.setText(self._words.server(status.sync))
        self.device.setText(status.capture.device or device)
        line = view.recorded or view.sync
        self.line.setText(" · ".join(fact.replace(" ", NO_BREAK) for fact in line.split(" · ")))
        self.line.setAccessibleName(line)
        self._show_level(status)
        self.record.show_stop(view.capturing)
        self.record.setEnabled(actions.start or actions.stop)
        stop, start = tr("Stop"), tr("Record")
        text = stop if view.capturing else start
        self.record.say(text, tr("{action} (Ctrl+R)").format(action=text))
        text = tr("Resume") if actions.resume else tr("Pause")
        self.pause.say(text, tr("{action} (Space)").format(action=text))
        self.pause.show_sign("resume" if actions.resume else "pause")
        self.pause.setVisible(view.capturing)
        self.pause.setEnabled(actions.pause or actions.resume)
        self.marker.setVisible(view.capturing)
        self.marker.setEnabled(actions.mark)

    def show_parts(self, parts: list[Part], title: str, *, local: bool) -> None:
        """Show where the parts of `title` are; empty: no recording was made yet."""
        self.ribbon.show_parts(parts)
        self.ribbon.setVisible(bool(parts))
        self.caption.setVisible(bool(parts))
        told = summary(parts, self._words, local=local)
        self.ribbon.setToolTip(told)
        self.ribbon.setAccessibleDescription(told)
        each = self._words.amount(PART_SECONDS * self.ribbon.ribbon.parts_per_cell)
        cell = self._words.tr("one cell is {time}").format(time=each)
        self.caption.setText(f"{title} · {told} · {cell}" if title else f"{told} · {cell}")

    def _show_level(self, status: Status) -> None:
        hears = status.capture.state is CaptureState.RECORDING
        word = self._words.level(status.capture.level) if hears else ""
        self.meter.show_level(status.capture.level if hears else None)
        if word != self.level.text():
            self.level.setText(word)
            self.level.setVisible(bool(word))
            self.meter.setAccessibleDescription(word)


def _mark(label: QLabel, name: str, *, on: bool) -> None:
    """Set a property that the style sheet looks at."""
    if bool(label.property(name)) != on:
        label.setProperty(name, on)
        label.style().unpolish(label)
        label.style().polish(label)


def _label(size: int, name: str, *, strong: bool = False, quiet: bool = False) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setFont(font(size, strong=strong))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("quiet", quiet)
    return label
