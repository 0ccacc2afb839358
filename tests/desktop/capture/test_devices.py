from types import ModuleType
from typing import Any

import pytest

from scribe_desktop.capture import devices, portaudio, pulse
from scribe_desktop.capture.devices import AudioDevice
from scribe_desktop.capture.sources import SoundServer, SoundSource
from scribe_desktop.errors import AudioError

USB = SoundSource("usb", "USB microphone", is_monitor=False, suspended=True)
BUILT_IN = SoundSource("built-in", "Built-in", is_monitor=False, suspended=False)
MONITOR = SoundSource("speakers.monitor", "Monitor of speakers", is_monitor=True, suspended=False)


@pytest.fixture(autouse=True)
def portaudio_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portaudio, "load", lambda: ModuleType("sounddevice"))


def test_the_sound_server_s_sources_are_listed_with_the_default_first_and_monitors_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = SoundServer((MONITOR, BUILT_IN, USB), "usb", None)
    monkeypatch.setattr(pulse, "look", lambda: server)
    assert devices.list_devices() == [
        AudioDevice("usb", "USB microphone", is_default=True, is_monitor=False),
        AudioDevice("built-in", "Built-in", is_default=False, is_monitor=False),
        AudioDevice("speakers.monitor", "Monitor of speakers", is_default=False, is_monitor=True),
    ]


def test_without_a_sound_server_portaudio_s_devices_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed: list[dict[str, Any]] = [
        {"name": "line", "is_default": False},
        {"name": "mic", "is_default": True},
    ]
    monkeypatch.setattr(pulse, "look", lambda: None)
    monkeypatch.setattr(portaudio, "input_devices", lambda: listed)
    assert [(device.name, device.is_default) for device in devices.list_devices()] == [
        ("mic", True),
        ("line", False),
    ]


def test_without_portaudio_there_is_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> ModuleType:
        raise AudioError("Sound input is not installed", "PortAudio was not found.")

    monkeypatch.setattr(portaudio, "load", missing)
    with pytest.raises(AudioError, match="not installed"):
        devices.list_devices()
