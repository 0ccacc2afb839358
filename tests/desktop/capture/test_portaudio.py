import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from scribe_desktop.capture import portaudio
from scribe_desktop.errors import AudioError


class FakePortAudioError(Exception):
    pass


class FakeStream:
    def __init__(
        self, library: "FakeLibrary", device: str | None, settings: dict[str, Any]
    ) -> None:
        self.library = library
        self.device = device
        self.settings = settings
        self.source = os.environ.get("PULSE_SOURCE")
        self.closed = False

    def start(self) -> None:
        if self.library.busy:
            raise FakePortAudioError("Error starting stream: Device unavailable", -9985)

    def close(self, *, ignore_errors: bool) -> None:
        assert ignore_errors
        self.closed = True


class FakeLibrary(SimpleNamespace):
    """Stands for the sounddevice module."""

    def __init__(self, *names: str) -> None:
        super().__init__(PortAudioError=FakePortAudioError, default=SimpleNamespace(device=[0, 1]))
        self.names = names
        self.busy = False
        self.starts = 0
        self.streams: list[FakeStream] = []

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams)

    def _initialize(self) -> None:
        self.starts += 1

    def query_devices(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "index": index, "max_input_channels": 0 if name == "speakers" else 2}
            for index, name in enumerate(self.names)
        ]

    def InputStream(self, *, device: str | None, **settings: Any) -> FakeStream:  # noqa: N802 - theirs
        self.streams.append(FakeStream(self, device, settings))
        return self.streams[-1]


def install(monkeypatch: pytest.MonkeyPatch, *names: str) -> FakeLibrary:
    library = FakeLibrary(*names)
    monkeypatch.setitem(sys.modules, "sounddevice", library)  # type: ignore[arg-type] # a fake
    return library


def test_without_portaudio_the_remedy_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(AudioError, match="libportaudio2"):
        portaudio.load()


def test_without_any_microphone_the_remedy_says_what_to_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, "speakers")
    with pytest.raises(AudioError, match=r"no microphone.*sound server") as caught:
        portaudio.open_stream(None, pulse=False)
    assert caught.value.title == "There is no microphone"


def test_devices_that_record_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "mic", "speakers", "line")
    listed = [(each["name"], each["is_default"]) for each in portaudio.input_devices()]
    assert listed == [("mic", True), ("line", False)]


def test_a_source_of_the_sound_server_is_chosen_by_environment_while_opening(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULSE_SOURCE", "theirs")
    library = install(monkeypatch, "pulse", "default")
    stream = portaudio.open_stream("usb", pulse=True, samplerate=48_000)
    assert (stream.device, stream.source) == ("pulse", "usb")
    assert stream.settings == {"samplerate": 48_000}
    assert os.environ["PULSE_SOURCE"] == "theirs"
    portaudio.close_stream(stream)
    assert library.streams[0].closed


def test_the_environment_is_left_as_it_was_when_nothing_was_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PULSE_SOURCE", raising=False)
    install(monkeypatch, "pulse")
    portaudio.close_stream(portaudio.open_stream("usb", pulse=True))
    assert "PULSE_SOURCE" not in os.environ


def test_without_a_sound_server_the_device_is_opened_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, "pulse", "hw:0")
    stream = portaudio.open_stream("hw:0", pulse=False)
    assert stream.device == "hw:0"
    portaudio.close_stream(stream)


def test_portaudio_is_not_started_anew_while_a_stream_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = install(monkeypatch, "mic")
    first = portaudio.open_stream("mic", pulse=False)
    portaudio.input_devices()
    second = portaudio.open_stream("mic", pulse=False)
    assert library.starts == 1
    portaudio.close_stream(first)
    portaudio.close_stream(second)
    portaudio.input_devices()
    assert library.starts == 2


def test_a_busy_device_is_an_audio_error_and_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    library = install(monkeypatch, "mic")
    library.busy = True
    with pytest.raises(AudioError, match="“mic”: Error starting stream: Device unavailable"):
        portaudio.open_stream("mic", pulse=False)
    assert library.streams[0].closed
    portaudio.input_devices()
    assert library.starts == 2
