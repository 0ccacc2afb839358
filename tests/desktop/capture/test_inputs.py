from pathlib import Path

from scribe_desktop.capture.file_input import FileInput
from scribe_desktop.capture.inputs import Input, Silence
from scribe_desktop.capture.live import LiveInput
from scribe_desktop.model import CaptureReason, GapReason


def shape_of(source: Input) -> tuple[str, CaptureReason, bool]:
    return source.name, source.reason, source.ended


def test_a_microphone_and_a_file_have_the_same_shape() -> None:
    assert shape_of(LiveInput("usb", channels=1)) == ("usb", CaptureReason.NONE, False)
    file = FileInput(Path("x.wav"), channels=1, realtime=True)
    assert shape_of(file) == ("x.wav", CaptureReason.NONE, False)


def test_silences_of_the_same_length_and_reason_are_equal() -> None:
    assert Silence(960, GapReason.XRUN) == Silence(960, GapReason.XRUN)
    assert Silence(960, GapReason.XRUN) != Silence(960, GapReason.NO_DEVICE)
