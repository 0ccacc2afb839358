"""The door to PortAudio (sounddevice), loaded when it is first needed.

PortAudio freezes its list of devices when it starts, and starting it anew ends open streams: it is
started anew only while none of ours is open.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from scribe_desktop.errors import AudioError

_PULSE_DEVICE: Final = "pulse"
_PULSE_SOURCE: Final = "PULSE_SOURCE"
_lock = threading.RLock()
_open_streams: set[int] = set()


def load() -> ModuleType:
    """The sounddevice module.

    Raises:
        AudioError: PortAudio is not installed (importing raises OSError then).
    """
    try:
        import sounddevice
    except (OSError, ImportError) as error:
        raise AudioError(
            "Sound input is not installed",
            "PortAudio was not found on this computer.",
            "Install it: on Debian and Ubuntu “apt install libportaudio2”.",
        ) from error
    module: ModuleType = sounddevice
    return module


def input_devices() -> list[dict[str, Any]]:
    """PortAudio's devices that can record, each with `index` and `is_default`.

    Raises:
        AudioError: there is no PortAudio, or it fails.
    """
    module = load()
    with _lock:
        if not _open_streams:
            _start_anew(module)
        with _converted(module, None):
            default = module.default.device[0]
            listed = [dict(device) for device in module.query_devices()]
    return [
        {**device, "is_default": device["index"] == default}
        for device in listed
        if device["max_input_channels"] > 0
    ]


def open_stream(device: str | None, *, pulse: bool, **settings: Any) -> Any:
    """Open and start an InputStream on a device; with `pulse` it is the name of a source there.

    Raises:
        AudioError: there is no such device, it is busy, or PortAudio is missing.
    """
    module = load()
    with _lock, _converted(module, device):
        if not _open_streams:
            _start_anew(module)
        devices = module.query_devices()
        if not any(each["max_input_channels"] > 0 for each in devices):
            raise AudioError(
                "There is no microphone",
                "This computer shows no device that records.",
                "Plug one in, and check that the sound server runs (PipeWire or PulseAudio; on "
                "Debian and Ubuntu with libasound2-plugins).",
            )
        names = [each["name"] for each in devices]
        if pulse and _PULSE_DEVICE in names:
            with _pulse_source(device):
                stream = _started(module, _PULSE_DEVICE, settings)
        else:
            stream = _started(module, device, settings)
        _open_streams.add(id(stream))
    return stream


def close_stream(stream: Any, *, timeout_s: float = 2.0) -> None:
    """Close a stream; a sound server that hangs is left behind after `timeout_s`."""

    def close() -> None:
        stream.close(ignore_errors=True)
        with _lock:
            _open_streams.discard(id(stream))

    closing = threading.Thread(target=close, name="scribe-close-stream", daemon=True)
    closing.start()
    closing.join(timeout_s)


def _started(module: Any, device: str | None, settings: dict[str, Any]) -> Any:
    stream = module.InputStream(device=device, **settings)
    try:
        stream.start()
    except module.PortAudioError:
        stream.close(ignore_errors=True)
        raise
    return stream


def _start_anew(module: Any) -> None:
    with _converted(module, None):
        module._terminate()  # noqa: SLF001 - the only way to see devices that came since
        module._initialize()  # noqa: SLF001 - as above


@contextmanager
def _pulse_source(name: str | None) -> Iterator[None]:
    """Libpulse reads PULSE_SOURCE when a stream connects; the caller holds the lock."""
    before = os.environ.get(_PULSE_SOURCE)
    if name is not None:
        os.environ[_PULSE_SOURCE] = name
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_PULSE_SOURCE, None)
        else:
            os.environ[_PULSE_SOURCE] = before


@contextmanager
def _converted(module: Any, device: str | None) -> Iterator[None]:
    try:
        yield
    except (module.PortAudioError, ValueError) as error:
        raise AudioError(
            "The microphone cannot be opened",
            f"“{device or 'The default microphone'}”: {_reason(error)}.",
            "Check that it is plugged in and not used by another program, or choose another one.",
        ) from error


def _reason(error: Exception) -> str:
    """PortAudio's words without its number."""
    return str(error.args[0] if error.args else error).rstrip(".")
