"""The microphone as a recording sees it: it may go, come back, be suspended, or fall silent.

Three signs of trouble: the sound server moved our stream elsewhere, the stream ended, or nothing
came for a second. Silence by the clock then takes the sound's place, and the microphone is opened
again with growing pauses.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol

from scribe_desktop.capture.clock import SoundClock
from scribe_desktop.capture.inputs import Event, Silence, Sound
from scribe_desktop.capture.microphone import Microphone
from scribe_desktop.capture.pulse import PulseWatch
from scribe_desktop.capture.ring import Piece
from scribe_desktop.capture.sources import SoundServer, Verdict, describe, is_available, judge
from scribe_desktop.errors import AudioError
from scribe_desktop.model import CaptureReason, GapReason

_POLL_S: Final = 0.1
_LONGEST_STEP_S: Final = 0.2
_SILENT_S: Final = 1.0
_REOPEN_SILENT_S: Final = 5.0
_BACKOFF_S: Final = (0.25, 0.5, 1.0, 2.0, 3.0)


class OpenMicrophone(Protocol):
    """What is needed of an open microphone."""

    last_arrival: float | None
    overflows: int
    finished: bool

    def read(self) -> Piece | None:
        """The next samples."""

    def close(self) -> None:
        """Let go."""


class Watch(Protocol):
    """What is needed of the view of the sound server."""

    server: SoundServer | None

    def close(self) -> None:
        """Stop looking."""


class LiveInput:
    """A microphone that is waited for.

    `device` None follows the system's default, also when that changes; a chosen one is waited for.
    """

    ended = False
    wait_s = _POLL_S

    def __init__(
        self,
        device: str | None,
        *,
        channels: int,
        open_microphone: Callable[..., OpenMicrophone] = Microphone,
        open_watch: Callable[[], Watch] = PulseWatch,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.reason = CaptureReason.NONE
        self._device = device
        self._channels = channels
        self._open_microphone = open_microphone
        self._open_watch = open_watch
        self._monotonic = monotonic
        self._watch: Watch | None = None
        self._has_server = False
        self._microphone: OpenMicrophone | None = None
        self._name = device or ""
        self._silent_for = self._polled_at = 0.0
        self._restart()

    @property
    def name(self) -> str:
        """What a person calls the microphone that is read now, or was read last."""
        if self._microphone is not None:
            self._name = describe(self._server, self._device) or self._name
        return self._name or "default"

    @property
    def silent_s(self) -> float:
        """For how long (s) no sound has come."""
        return self._monotonic() - self._sound_at

    def open(self) -> None:
        """Open the microphone.

        Raises:
            AudioError: there is none, or it is busy.
        """
        self._watch = self._open_watch()
        self._has_server = self._server is not None
        server = self._server
        if server is not None and not is_available(server, self._device):
            raise _not_there(self._device)
        self._microphone = self._opened()
        self._restart()

    def poll(self) -> list[Event]:
        """Sound, or the silence in its place; never raises."""
        now = self._monotonic()
        self._silent_for += min(now - self._polled_at, _LONGEST_STEP_S)
        self._polled_at = now
        if self._microphone is None:
            self._reopen(now)
        elif self._microphone.finished or self._verdict() is Verdict.LOST:
            self._lose(now)
        elif sound := self._sound(self._microphone):
            return sound
        elif self._silent_for >= _SILENT_S:
            self._wait_for_sound(now)
        return self._silence(now)

    def pause(self) -> list[Event]:
        """Let go of the microphone; what had come by then."""
        events: list[Event] = []
        if self._microphone is not None:
            self._microphone.close()
            if self._verdict() is not Verdict.LOST:
                events = self._sound(self._microphone)
            self._microphone = None
        self.reason = CaptureReason.NONE
        return events

    def resume(self) -> None:
        """Open the microphone again at the next poll; the clock begins anew."""
        self._restart()

    def close(self) -> None:
        """Let go of the microphone and stop watching."""
        self.pause()
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    # ----------------------------------------------------------------------------- private

    @property
    def _server(self) -> SoundServer | None:
        return self._watch.server if self._watch is not None else None

    def _verdict(self) -> Verdict:
        return judge(self._server, self._device)

    def _restart(self) -> None:
        self._clock = SoundClock()
        self._sound_at = self._polled_at = self._next_try = self._monotonic()
        self._silent_for = 0.0
        self._tries = 0
        self._overflows = 0
        self._gap = GapReason.NO_DEVICE

    def _opened(self) -> OpenMicrophone:
        self._overflows = 0
        return self._open_microphone(self._device, channels=self._channels, pulse=self._has_server)

    def _sound(self, microphone: OpenMicrophone) -> list[Event]:
        pieces: list[Piece] = []
        while (piece := microphone.read()) is not None:
            pieces.append(piece)
        at = microphone.last_arrival
        if not pieces or at is None:
            return []
        missing = self._clock.arrived(sum(len(each.samples) + each.missing for each in pieces), at)
        events: list[Event] = [Silence(missing, self._gap)] if missing > 0 else []
        late = max(0, -missing)
        for piece in pieces:
            events.append(Sound(piece.samples[late:]))
            late = max(0, late - len(piece.samples))
            if piece.missing:
                events.append(Silence(piece.missing, GapReason.XRUN))
        self._sound_at = self._monotonic()
        self._silent_for = 0.0
        self._tries = 0
        self.reason = CaptureReason.NONE
        return events + self._losses(microphone, at)

    def _losses(self, microphone: OpenMicrophone, at: float) -> list[Event]:
        lost = self._clock.lost(at)
        if lost:
            self._overflows = microphone.overflows
            return [Silence(lost, GapReason.XRUN)]
        if self._clock.window_began(at) and microphone.overflows != self._overflows:
            self._overflows = microphone.overflows
            return [Silence(0, GapReason.XRUN)]
        return []

    def _silence(self, now: float) -> list[Event]:
        if self.reason is CaptureReason.NONE:
            return []
        due = self._clock.fill(now)
        return [Silence(due, self._gap)] if due else []

    def _wait_for_sound(self, now: float) -> None:
        """The stream is open and nothing comes: suspended, or dead without a word."""
        if self._verdict() is Verdict.SUSPENDED:
            self._gap, self.reason = GapReason.SUSPENDED, CaptureReason.SUSPENDED
            return
        if self.reason is CaptureReason.NONE:
            self._gap, self.reason = GapReason.NO_DEVICE, CaptureReason.NO_DEVICE
        if self._silent_for >= _REOPEN_SILENT_S:
            self._lose(now)

    def _lose(self, now: float) -> None:
        if self._microphone is not None:
            self._microphone.close()
            self._microphone = None
        self._gap, self.reason = GapReason.NO_DEVICE, CaptureReason.NO_DEVICE
        self._next_try = now + _BACKOFF_S[min(self._tries, len(_BACKOFF_S) - 1)]

    def _reopen(self, now: float) -> None:
        if now < self._next_try:
            return
        server = self._server
        if self._has_server and (server is None or not is_available(server, self._device)):
            self._tries = 0
            self._gap, self.reason = GapReason.NO_DEVICE, CaptureReason.NO_DEVICE
            return
        self._tries += 1
        try:
            self._microphone = self._opened()
        except AudioError:
            # What was said when it was opened first is known; now it is waited for.
            self._lose(now)
        else:
            self._silent_for = 0.0


def _not_there(device: str | None) -> AudioError:
    if device is None:
        return AudioError(
            "There is no microphone",
            "The sound server lists none.",
            "Plug one in, or choose a loudspeaker's monitor to record what is played.",
        )
    return AudioError(
        "The microphone is not there",
        f"The sound server does not list “{device}”.",
        "Plug it in, or choose another one (“scribe devices” lists them).",
    )
