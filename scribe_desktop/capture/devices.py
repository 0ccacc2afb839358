"""The microphones that a person can choose."""

from dataclasses import dataclass

from scribe_desktop.capture import portaudio, pulse


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """A source of sound: `name` is what a request takes, `description` what a person reads.

    A monitor is what a loudspeaker plays.
    """

    name: str
    description: str
    is_default: bool
    is_monitor: bool


def list_devices() -> list[AudioDevice]:
    """All sources, microphones first.

    With PulseAudio or PipeWire these are the server's (PortAudio sees only `pulse` there).

    Raises:
        AudioError: there is no PortAudio, or it fails.
    """
    portaudio.load()
    server = pulse.look()
    if server is not None:
        found = [
            AudioDevice(
                source.name, source.description, source.name == server.default, source.is_monitor
            )
            for source in server.sources
        ]
    else:
        found = [
            AudioDevice(device["name"], device["name"], device["is_default"], is_monitor=False)
            for device in portaudio.input_devices()
        ]
    return sorted(found, key=lambda device: (device.is_monitor, not device.is_default))
