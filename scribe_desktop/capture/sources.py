"""What the sound server says of its microphones, and what follows from it. Pure.

Pulling a microphone out shows nothing in PortAudio: the sound server moves the stream silently,
and with no other microphone to the monitor of the loudspeakers. Only this view tells.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class SoundSource:
    """Something that can be recorded; a monitor is what a loudspeaker plays."""

    name: str
    description: str
    is_monitor: bool
    suspended: bool


@dataclass(frozen=True, slots=True)
class SoundServer:
    """A view of the server: its sources, the default one, and the one our own stream reads."""

    sources: tuple[SoundSource, ...]
    default: str
    recording: str | None

    def source(self, name: str | None) -> SoundSource | None:
        """The source of that name."""
        return next((each for each in self.sources if each.name == name), None)


class Verdict(Enum):
    """What our stream is worth."""

    FINE = "fine"
    LOST = "lost"
    SUSPENDED = "suspended"


def judge(server: SoundServer | None, wanted: str | None) -> Verdict:
    """Whether our stream still reads what was chosen (`wanted` None: the system's default)."""
    source = server.source(server.recording) if server else None
    if source is None:
        return Verdict.FINE
    chosen = source.name == wanted or _is_alias(wanted)
    if not chosen and (wanted is not None or source.is_monitor):
        return Verdict.LOST
    return Verdict.SUSPENDED if source.suspended else Verdict.FINE


def is_available(server: SoundServer, wanted: str | None) -> bool:
    """Whether opening a stream now would read what was chosen, and no monitor by accident."""
    if _is_alias(wanted):
        return bool(server.sources)
    source = server.source(wanted if wanted is not None else server.default)
    return source is not None and (wanted is not None or not source.is_monitor)


def describe(server: SoundServer | None, wanted: str | None) -> str:
    """What a person calls the source; empty when it is not known."""
    if server is None:
        return ""
    source = server.source(server.recording) or server.source(wanted or server.default)
    return source.description if source else ""


def _is_alias(wanted: str | None) -> bool:
    """PulseAudio's own names, such as `@DEFAULT_MONITOR@`."""
    return wanted is not None and wanted.startswith("@")
