"""One recording from its first sample to its last: states, commands, the encoder thread's loop."""

import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scribe_desktop.capture.encoder import Block
from scribe_desktop.capture.inputs import Event, Input, Sound
from scribe_desktop.capture.level import level_of
from scribe_desktop.capture.limit import Limit
from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.capture.wav import WavWriter
from scribe_desktop.capture.writer import SessionWriter
from scribe_desktop.errors import AudioError, ScribeError
from scribe_desktop.model import (
    CaptureReason,
    CaptureState,
    CaptureStatus,
    GapReason,
    Level,
    Marker,
)
from scribe_desktop.spool import MOVING_HELPS, FailureKind, SpoolFailureError

_SYNC_S: Final = 0.5
_STATUS_S: Final = 0.1
_DEVICE_TIMEOUT_S: Final = 600.0
_SLEPT_S: Final = 2.0
_LEVEL_SAMPLES: Final = 4800


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop listening until `Resume`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Listen again."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the recording."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Set a marker at the present sample."""

    label: str


@dataclass(frozen=True, slots=True)
class Do:
    """Do something with the writer, on its thread; `done` is set afterwards."""

    action: Callable[[SessionWriter], None]
    done: threading.Event


Command = Pause | Resume | Stop | Mark | Do


def asleep_s() -> float:
    """For how long (s) this computer has slept, up to a constant, where that can be told.

    macOS counts sleep in CLOCK_MONOTONIC (its clock_gettime(3)), but not in Python's monotonic;
    Windows counts it in both.
    """
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic()
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boottime) - time.monotonic() if boottime is not None else 0.0


class Recording:
    """Feeds a writer from an input; everything but `send` belongs to the encoder thread.

    `failure` says why it ended before its time although its session is complete.
    """

    def __init__(
        self,
        request: RecordingRequest,
        source: Input,
        writer: SessionWriter,
        *,
        wav: WavWriter | None,
        publish: Callable[[CaptureStatus], None],
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
        asleep: Callable[[], float] = asleep_s,
        limit: Limit | None = None,
    ) -> None:
        self.failure: ScribeError | None = None
        self._request = request
        self._input = source
        self._writer = writer
        self._wav = wav
        self._publish = publish
        self._clock = clock
        self._monotonic = monotonic
        self._asleep = asleep
        self._limit = limit
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._state = CaptureState.STARTING
        self._pause_reason = CaptureReason.NONE
        self._cut: tuple[GapReason, float] | None = None
        self._level = Level()
        self._synced_at = self._told_at = monotonic()
        self._slept = asleep()
        self._began_at = clock()
        self._began_s = self._passed_s

    def send(self, command: Command) -> None:
        """Ask for something; safe from any thread."""
        self._commands.put(command)
        self._wake.set()

    def run(self) -> None:
        """Record until it is stopped, the file ends or the wanted length is reached.

        Raises:
            ScribeError: the spool refuses for good; the journal has been kept.
        """
        try:
            self._loop()
        finally:
            self._input.close()
            self._close_wav()
        self._note_cut()
        # The wall clock is asked once, at the beginning: it may be set while sound is recorded.
        lasted_ms = round((self._passed_s - self._began_s) * 1000)
        self._writer.finish(ended_at=self._began_at + lasted_ms)

    def _loop(self) -> None:
        self._tell()
        while not self._finalising:
            self._wake.clear()
            self._obey()
            if self._listening:
                self._listen()
            self._keep_up()
            if not self._finalising:
                self._wake.wait(self._wait_s)
        self._tell()

    # ---------------------------------------------------------------------------- commands

    @property
    def _wait_s(self) -> float:
        return _STATUS_S if self._state is CaptureState.PAUSED else self._input.wait_s

    @property
    def _listening(self) -> bool:
        return self._state in {CaptureState.STARTING, CaptureState.RECORDING}

    @property
    def _finalising(self) -> bool:
        return self._state is CaptureState.FINALISING

    def _obey(self) -> None:
        while not self._commands.empty():
            match self._commands.get():
                case Pause():
                    self._pause(GapReason.PAUSE, CaptureReason.NONE)
                case Resume():
                    self._resume()
                case Mark(label):
                    self._writer.note_marker(Marker(self._writer.samples, label, self._clock()))
                case Stop():
                    self._stop()
                case Do(action, done):
                    action(self._writer)
                    done.set()

    def _pause(
        self, gap: GapReason, reason: CaptureReason, *, since_s: float | None = None
    ) -> None:
        if not self._listening:
            return
        self._take(self._input.pause())
        if self._finalising:
            return
        self._writer.pause()
        self._cut = self._cut or (gap, self._passed_s if since_s is None else since_s)
        self._pause_reason = reason
        self._turn(CaptureState.PAUSED)

    def _resume(self) -> None:
        if self._state is not CaptureState.PAUSED:
            return
        self._input.resume()
        self._writer.resume()
        self._pause_reason = CaptureReason.NONE
        self._turn(CaptureState.STARTING)

    def _stop(self) -> None:
        if self._listening:
            self._take(self._input.pause())
        self._state = CaptureState.FINALISING

    # ------------------------------------------------------------------------------- sound

    def _listen(self) -> None:
        try:
            events = self._input.poll()
        except AudioError as error:
            self.failure = error
            self._stop()
            return
        self._take(events)
        if self._input.ended:
            self._stop()
        elif self._input.silent_s >= _DEVICE_TIMEOUT_S:
            self._pause(GapReason.PAUSE, CaptureReason.DEVICE_TIMEOUT)

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if self._finalising:
                return
            if isinstance(event, Sound):
                self._take_sound(event.block)
            elif event.samples:
                self._level = Level()
                for block in self._writer.feed_zeros(self._room(event.samples), event.reason):
                    self._write_wav(block)
            else:
                self._writer.note_cut(event.reason, 0)
            limit = self._request.for_samples
            if limit is not None and self._writer.samples >= limit:
                self._input.close()
                self._state = CaptureState.FINALISING

    def _take_sound(self, block: Block) -> None:
        if not len(block):
            return
        if self._state is CaptureState.STARTING:
            self._note_cut()
            self._turn(CaptureState.RECORDING)
        block = block[: self._room(len(block))]
        self._writer.feed(block)
        self._write_wav(block)
        self._level = level_of(block[-_LEVEL_SAMPLES:])

    def _room(self, count: int) -> int:
        limit = self._request.for_samples
        return count if limit is None else min(count, limit - self._writer.samples)

    def _note_cut(self) -> None:
        """Label the pause that ends here."""
        if self._cut is not None:
            reason, since_s = self._cut
            self._cut = None
            self._writer.note_cut(reason, max(0, round((self._passed_s - since_s) * 1000)))

    # -------------------------------------------------------------------------------- time

    @property
    def _passed_s(self) -> float:
        """Time that goes on while the computer sleeps, and that nobody can set."""
        return self._monotonic() + self._asleep()

    def _keep_up(self) -> None:
        now = self._monotonic()
        slept = self._asleep()
        if slept - self._slept >= _SLEPT_S:
            self._pause(GapReason.SLEEP, CaptureReason.SUSPENDED, since_s=now + self._slept)
        self._slept = slept
        if now - self._synced_at >= _SYNC_S:
            self._synced_at = now
            self._writer.sync()
            self._mind_the_room()
        if now - self._told_at >= _STATUS_S:
            self._tell()

    def _mind_the_room(self) -> None:
        """End the recording while there is room for its end."""
        if self._limit is None or not self._listening:
            return
        full = self._limit.reached(self._writer.trouble)
        if full is not None:
            self.failure = full
            self._stop()

    def _turn(self, state: CaptureState) -> None:
        self._state = state
        self._level = Level()
        self._tell()

    def _tell(self) -> None:
        self._told_at = self._monotonic()
        trouble = self._writer.trouble
        self._publish(
            CaptureStatus(
                state=self._state,
                reason=reason_of(trouble) if trouble else self._pause_reason or self._input.reason,
                session_id=self._request.session_id,
                title=self._request.title,
                device=self._input.name,
                samples=self._writer.samples,
                level=self._level,
                error=trouble.message if trouble else "",
            )
        )

    # --------------------------------------------------------------------------------- WAV

    def _write_wav(self, block: Block) -> None:
        if self._wav is None:
            return
        try:
            self._wav.write(block)
        except AudioError as error:
            self.failure = error
            self._close_wav()

    def _close_wav(self) -> None:
        wav, self._wav = self._wav, None
        if wav is None:
            return
        try:
            wav.close()
        except AudioError as error:
            self.failure = error


def reason_of(error: ScribeError) -> CaptureReason:
    """The word for a failure that screens show."""
    if isinstance(error, SpoolFailureError) and error.kind is FailureKind.DISK_FULL:
        return CaptureReason.DISK_FULL
    if isinstance(error, SpoolFailureError) and error.kind in MOVING_HELPS:
        return CaptureReason.SPOOL
    return CaptureReason.FAILED
