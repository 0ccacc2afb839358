from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scribe_desktop.capture import portaudio
from scribe_desktop.capture.microphone import Microphone
from tests.parts.capture import tone

NO_FLAGS = SimpleNamespace(input_overflow=False)
OVERFLOW = SimpleNamespace(input_overflow=True)


class Stream:
    """What PortAudio was asked for, and its side of the callbacks."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.closed = False

    def deliver(self, block: np.ndarray, flags: SimpleNamespace = NO_FLAGS) -> None:
        self.settings["callback"](block, len(block), None, flags)


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    stream = Stream()

    def open_stream(device: str | None, *, pulse: bool, **settings: Any) -> Stream:
        stream.settings = {"device": device, "pulse": pulse, **settings}
        return stream

    def close_stream(closing: Stream) -> None:
        closing.closed = True

    monkeypatch.setattr(portaudio, "open_stream", open_stream)
    monkeypatch.setattr(portaudio, "close_stream", close_stream)
    yield stream
    assert stream.closed


def test_a_stream_is_opened_at_48_khz_in_blocks_of_100_ms(stream: Stream) -> None:
    microphone = Microphone("usb", channels=2, pulse=True)
    microphone.close()
    asked = {name: value for name, value in stream.settings.items() if "callback" not in name}
    assert asked == {
        "device": "usb",
        "pulse": True,
        "samplerate": 48_000,
        "channels": 2,
        "dtype": "int16",
        "blocksize": 4_800,
        "latency": 0.1,
    }


def test_what_the_callback_got_is_read_unchanged(stream: Stream) -> None:
    microphone = Microphone(None, channels=1, pulse=False)
    sound = tone(9_600)
    assert microphone.read() is None
    assert microphone.last_arrival is None
    stream.deliver(sound[:4_800])
    stream.deliver(sound[4_800:])
    microphone.close()
    piece = microphone.read()
    assert piece is not None
    assert np.array_equal(piece.samples, sound)
    assert piece.missing == 0
    assert microphone.last_arrival is not None


def test_overflows_are_counted(stream: Stream) -> None:
    microphone = Microphone(None, channels=1, pulse=False)
    stream.deliver(tone(4_800), OVERFLOW)
    stream.deliver(tone(4_800))
    microphone.close()
    assert microphone.overflows == 1


def test_a_reader_that_is_half_a_minute_late_learns_how_much_is_missing(stream: Stream) -> None:
    microphone = Microphone(None, channels=1, pulse=False)
    for _ in range(310):
        stream.deliver(tone(4_800))
    first = microphone.read()
    assert first is not None
    assert len(first.samples) == 30 * 48_000
    stream.deliver(tone(4_800))
    microphone.close()
    missing = 0
    while (piece := microphone.read()) is not None:
        missing += piece.missing
    assert missing == 48_000


def test_a_stream_that_ends_by_itself_is_noticed(stream: Stream) -> None:
    microphone = Microphone(None, channels=1, pulse=False)
    assert not microphone.finished
    stream.settings["finished_callback"]()
    assert microphone.finished
    microphone.close()
