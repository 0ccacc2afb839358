"""The recorder as the rest of the desktop sees it: start, pause, resume, stop, status."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import tzlocal

from scribe_desktop.capture.file_input import FileInput
from scribe_desktop.capture.inputs import Input
from scribe_desktop.capture.journal import SUFFIX, Journal
from scribe_desktop.capture.limit import Limit
from scribe_desktop.capture.live import LiveInput
from scribe_desktop.capture.recording import (
    Command,
    Do,
    Mark,
    Pause,
    Recording,
    Resume,
    Stop,
    reason_of,
)
from scribe_desktop.capture.request import RecordingRequest
from scribe_desktop.capture.wav import WavWriter
from scribe_desktop.capture.writer import SessionWriter
from scribe_desktop.errors import AlreadyRecordingError, AudioError, ScribeError, SpoolError
from scribe_desktop.model import CaptureState, CaptureStatus, NewSession, now_ms
from scribe_desktop.spool import Spool

_log = logging.getLogger(__name__)


def input_for(request: RecordingRequest) -> Input:
    """The microphone or file that a request names."""
    if request.input_file is not None:
        return FileInput(request.input_file, channels=request.channels, realtime=request.realtime)
    return LiveInput(request.device, channels=request.channels)


class _Started:
    """Tells the starting thread that recording began, or why it did not."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.error: ScribeError | None = None


class Recorder:
    """Records one session at a time in the thread `scribe-encoder`.

    `on_status` gets a snapshot ten times a second while recording and at every change;
    `on_spooled` the session's id whenever a chunk is safe in the spool. Both are called on the
    encoder thread. `failure` says why the last recording ended by itself, if it did.
    """

    def __init__(
        self,
        *,
        spool_folder: Path,
        journal_folder: Path,
        on_status: Callable[[CaptureStatus], None],
        on_spooled: Callable[[str], None],
        clock: Callable[[], int] = now_ms,
        open_input: Callable[[RecordingRequest], Input] = input_for,
    ) -> None:
        self.failure: ScribeError | None = None
        self._spool_folder = spool_folder
        self._journal_folder = journal_folder
        self._on_status = on_status
        self._on_spooled = on_spooled
        self._clock = clock
        self._open_input = open_input
        self._status = CaptureStatus()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._recording: Recording | None = None

    @property
    def status(self) -> CaptureStatus:
        """The newest snapshot."""
        return self._status

    def start(self, request: RecordingRequest) -> None:
        """Open the microphone or file and begin; returns when it is open and the session exists.

        Raises:
            AlreadyRecordingError: a recording runs.
            AudioError: the microphone or file cannot be opened, or the WAV not be written.
            SpoolError: the session cannot be created.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise AlreadyRecordingError(
                    "A recording is running already",
                    f"“{self._status.title}” is being recorded.",
                    "Stop it first.",
                )
            self.failure = None
            started = _Started()
            thread = threading.Thread(
                target=self._run, args=(request, started), name="scribe-encoder"
            )
            self._thread = thread
            thread.start()
            started.ready.wait()
        if started.error is not None:
            thread.join()
            raise started.error

    def pause(self) -> None:
        """Stop listening; the chunk is cut at once."""
        self._send(Pause())

    def resume(self) -> None:
        """Listen again."""
        self._send(Resume())

    def stop(self) -> None:
        """End the recording; returns at once, `wait` tells when everything is in the spool."""
        self._send(Stop())

    def add_marker(self, label: str) -> None:
        """Set a marker at the present sample."""
        self._send(Mark(label))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing records; False when the time ran out."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def release(self) -> None:
        """Let go of the spool's file, which has failed; sound is held until `use`."""
        self._do(self._let_go)

    def use(self, spool_folder: Path, journal_folder: Path) -> None:
        """Go on in another spool."""
        self._spool_folder, self._journal_folder = spool_folder, journal_folder
        self._do(self._move)

    def _do(self, action: Callable[[SessionWriter], None]) -> None:
        """Let the encoder thread do something, and wait for it; nothing when it is idle."""
        thread, done = self._thread, threading.Event()
        if thread is None or self._recording is None:
            return
        self._send(Do(action, done))
        while thread.is_alive() and not done.wait(0.05):
            pass

    def _let_go(self, writer: SessionWriter) -> None:
        writer.let_go()
        try:
            self._spool.close()
        except SpoolError as error:
            _log.warning("the failed spool did not close: %s", error)

    def _move(self, writer: SessionWriter) -> None:
        try:
            self._spool = Spool.open(self._spool_folder, clock=self._clock)
        except SpoolError as error:
            _log.warning("the sound is still held: %s", error)
        else:
            self._limit.move(self._spool_folder.parent)
            writer.move(self._spool, self._journal(writer.session_id))

    def _journal(self, session_id: str) -> Journal:
        return Journal(self._journal_folder / f"{session_id}{SUFFIX}")

    def _send(self, command: Command) -> None:
        recording = self._recording
        if recording is not None:
            recording.send(command)

    # ---------------------------------------------------------------------- encoder thread

    def _run(self, request: RecordingRequest, started: _Started) -> None:
        try:
            self._record(request, started)
        except ScribeError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 - the thread's last resort: recovery has the rest
            _log.exception("the encoder thread failed")
            self.failure = _unexpected(error)
        finally:
            self._recording = None
            self._publish(self._last_status(request))
            if not started.ready.is_set():
                started.error = self.failure
                started.ready.set()

    def _record(self, request: RecordingRequest, started: _Started) -> None:
        self._publish(
            CaptureStatus(CaptureState.STARTING, session_id=request.session_id, title=request.title)
        )
        self._limit = Limit(self._spool_folder.parent)
        self._limit.check()
        source = self._open_input(request)
        self._spool = Spool.open(self._spool_folder, clock=self._clock)
        try:
            source.open()
            self._record_into(self._spool, source, request, started)
        finally:
            source.close()
            self._spool.close()

    def _record_into(
        self, spool: Spool, source: Input, request: RecordingRequest, started: _Started
    ) -> None:
        wav = WavWriter(request.save_wav, channels=request.channels) if request.save_wav else None
        session = self._new_session(request, source.name)
        spool.create_session(session)
        journal = self._journal(session.session_id)
        writer = SessionWriter(spool, journal, session, on_spooled=self._on_spooled)
        recording = Recording(
            request,
            source,
            writer,
            wav=wav,
            publish=self._publish,
            clock=self._clock,
            limit=self._limit,
        )
        self._recording = recording
        started.ready.set()
        try:
            recording.run()
        except BaseException as error:
            _abandon(writer, error)
            raise
        self.failure = recording.failure

    def _new_session(self, request: RecordingRequest, device: str) -> NewSession:
        return NewSession(
            session_id=request.session_id,
            title=request.title,
            source=request.source,
            started_at=self._clock(),
            timezone=_timezone(),
            channels=request.channels,
            bitrate=request.bitrate,
            device=device,
        )

    def _last_status(self, request: RecordingRequest) -> CaptureStatus:
        failure = self.failure
        if failure is None:
            return CaptureStatus()
        return CaptureStatus(
            reason=reason_of(failure),
            session_id=request.session_id,
            title=request.title,
            samples=self._status.samples,
            error=f"{failure.message} {failure.remedy}".strip(),
        )

    def _publish(self, status: CaptureStatus) -> None:
        self._status = status
        self._on_status(status)


def _abandon(writer: SessionWriter, error: BaseException) -> None:
    try:
        writer.abandon()
    except SpoolError as second:
        error.add_note(f"The journal could not be completed either: {second}")


def _timezone() -> str:
    try:
        return tzlocal.get_localzone_name() or "UTC"
    except (LookupError, OSError, ValueError):
        return "UTC"


def _unexpected(error: Exception) -> AudioError:
    return AudioError(
        "The recording stopped",
        f"Something unforeseen happened: {error!r}.",
        "What was recorded is safe; it is put together at the next start.",
    )
