from collections.abc import Callable
from typing import Any

import pytest

from scribe_desktop.capture import devices
from scribe_desktop.errors import AudioError

Scribe = Callable[..., Any]


def test_the_microphones_are_listed(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        devices.AudioDevice(name="usb", description="USB mic", is_default=True, is_monitor=False),
        devices.AudioDevice(name="out", description="Hall", is_default=False, is_monitor=True),
    ]
    monkeypatch.setattr(devices, "list_devices", lambda: found)
    first, second = scribe("devices", "--json").json
    assert first == {"name": "usb", "description": "USB mic", "default": True, "monitor": False}
    assert second["monitor"]
    assert scribe("devices").out == ("* usb  USB mic\n  out  Hall (what the loudspeakers play)\n")


def test_no_microphone_is_told(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_devices", list)
    assert scribe("devices").out == "There is no microphone.\n"


def test_without_portaudio_it_ends_with_3(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[Any]:
        raise AudioError("No PortAudio", "It is not installed.", "Install it.")

    monkeypatch.setattr(devices, "list_devices", fail)
    assert scribe("devices").code == 3
