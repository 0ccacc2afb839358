"""The running Scribe: owner of the spool, builder of its parts, and what people can ask of it."""

import logging
import os
import threading
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from scribe_desktop.app.commands import handlers_of
from scribe_desktop.app.delivery import Delivery
from scribe_desktop.app.device import read_machine_id
from scribe_desktop.app.parts import Parts, RecorderPart, SyncPart
from scribe_desktop.app.publisher import Publisher
from scribe_desktop.app.relocation import Relocation
from scribe_desktop.app.storage import Storage
from scribe_desktop.app.upkeep import LOOK_S, Upkeep
from scribe_desktop.config import LOCAL, Settings
from scribe_desktop.control import ControlServer, Handler
from scribe_desktop.credentials import Credentials
from scribe_desktop.errors import (
    AlreadyRecordingError,
    OnlyHereError,
    ScribeError,
    UnreachableError,
)
from scribe_desktop.library.sessions import only_here
from scribe_desktop.model import (
    CaptureState,
    CaptureStatus,
    Chunk,
    Session,
    Status,
    SyncStatus,
    now_ms,
)
from scribe_desktop.paths import Paths
from scribe_desktop.room import Room, free_bytes, room_of
from scribe_desktop.spool import MOVING_HELPS, FailureKind, Spool, SpoolFailureError

if TYPE_CHECKING:
    from scribe_desktop.capture.request import RecordingRequest

log = logging.getLogger(__name__)

FINALISE_S: Final = 30.0
"""How long the encoder may take to commit the last chunk when the program ends."""


class App:
    """Everything but the screen. `start` and `stop` are idempotent; the rest is thread-safe.

    Attributes:
        storage: where the recordings are, and what was found there.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        credentials: Credentials,
        *,
        environ: Mapping[str, str] | None = None,
        parts: Parts | None = None,
        clock: Callable[[], int] = now_ms,
        machine_id: Callable[[], str | None] = read_machine_id,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.settings = settings
        self.storage = Storage(paths, clock=clock, machine_id=machine_id, new_id=new_id)
        self._credentials = credentials
        self._environ = dict(os.environ) if environ is None else environ
        self._parts = parts or Parts()
        self._clock = clock
        self._new_id = new_id
        self._guard = threading.RLock()
        self._running: ExitStack | None = None
        self._recorder: RecorderPart | None = None
        self._delivery: Delivery | None = None
        self._upkeep = Upkeep(
            keep_days=lambda: self.settings.keep_local_days,
            confirm=self._confirm,
            deleted=self._session_changed,
            clock=clock,
        )
        self._publisher = Publisher(self._keep_up, self._room)
        self._relocation = Relocation(self.storage, self._publisher, self._move)
        self._listening = False
        self._device_id = ""
        self._control = ControlServer(paths.control_socket, handlers_of(self))

    # -------------------------------------------------------------------------- start, stop

    def start(self) -> None:
        """Own the spool, recover what a crash left, and start the parts.

        Raises:
            SpoolError: another instance owns the spool, or it cannot be opened.
            ScribeError: a folder or the control socket cannot be made.
        """
        with self._guard, ExitStack() as stack:
            if self._running is not None:
                return
            self.paths.ensure_surroundings()
            stack.callback(self._stop_listening)
            self._device_id = self.storage.open(stack, self._listen)
            self._publisher.storage_changed(self.storage.notice)
            self._publisher.start(self.paths.spool_dir)
            stack.callback(self._publisher.stop)
            self._delivery = self._make_delivery()
            self._delivery.start(self.settings)
            stack.callback(self._delivery.stop)
            self._recorder = self._parts.recorder(
                self.paths.spool_dir,
                self.paths.journal_dir,
                self._capture_changed,
                self._spooled,
                self._clock,
            )
            stack.callback(self._stop_recorder)
            self._running = stack.pop_all()
        log.info("started; recovered sessions: %s", self.storage.recovered or "none")

    def stop(self) -> None:
        """End: microphone, last chunk, about 5 s for sync, server, socket, lock."""
        with self._guard:
            running, self._running = self._running, None
            if running is not None:
                running.close()
                log.info("stopped")

    def apply_settings(self, settings: Settings) -> None:
        """Use other settings from now on; a recording that runs keeps its own."""
        with self._guard:
            self.settings = settings
            if self._delivery is not None and self._running is not None:
                self._delivery.retarget(settings)

    def sign_in(self, origin: str, token: str | None = None, *, insecure: bool = False) -> None:
        """Deliver to this server; a token given here is for this run only, else the kept one."""
        with self._guard:
            if self._delivery is not None and token is not None:
                self._delivery.tokens.set(origin, token)
            self.apply_settings(replace(self.settings, server=origin, insecure=insecure))

    def sign_out(self, origin: str) -> None:
        """Forget this run's token for a server; when it is in use, the built-in one takes over."""
        with self._guard:
            if self._delivery is not None:
                self._delivery.tokens.delete(origin)
            if self.settings.server == origin:
                self.apply_settings(replace(self.settings, server=LOCAL))

    # ------------------------------------------------------------------------------- status

    @property
    def paths(self) -> Paths:
        """The folders in use; the recordings are in a rescue folder while the usual one fails."""
        return self.storage.paths

    @property
    def status(self) -> Status:
        """The newest snapshot."""
        return self._publisher.status

    def subscribe(self, callback: Callable[[Status], None]) -> Callable[[], None]:
        """Call `callback` (on the thread `scribe-app`) after each change; returns what ends it."""
        return self._publisher.subscribe(callback)

    @property
    def capture(self) -> CaptureStatus:
        """What the recorder does at this moment."""
        return self._recorder.status if self._recorder is not None else self.status.capture

    @property
    def failure(self) -> ScribeError | None:
        """Why the last recording ended by itself, if it did."""
        return self._recorder.failure if self._recorder is not None else None

    @property
    def server_failure(self) -> str:
        """Why the built-in server does not run; empty when it does or is not wanted."""
        return self._delivery.server_failure if self._delivery is not None else ""

    def set_handler(self, command: str, handler: Handler) -> None:
        """Answer a command of the control socket: the window sets `raise`."""
        self._control.set_handler(command, handler)

    # ---------------------------------------------------------------------------- recording

    def new_request(self, title: str = "") -> "RecordingRequest":
        """A recording from the microphone as the settings say."""
        from scribe_desktop.capture.request import RecordingRequest

        return RecordingRequest(
            session_id=self._new_id(),
            title=title or default_title(self._clock()),
            source="mic",
            device=self.settings.device or None,
            channels=self.settings.channels,
            bitrate=self.settings.bitrate,
        )

    def start_recording(self, request: "RecordingRequest | None" = None) -> str:
        """Begin a recording; its session's id.

        Raises:
            AlreadyRecordingError: one runs already.
            AudioError: there is no microphone, or the file cannot be read.
        """
        with self._guard:
            chosen = request or self.new_request()
            recorder = self._part()
            if recorder.status.state is not CaptureState.IDLE:
                raise AlreadyRecordingError(
                    "A recording runs already",
                    f"'{recorder.status.title}' is being recorded.",
                    "Stop it first: scribe toggle",
                )
            try:
                recorder.start(chosen)
            except SpoolFailureError as failure:
                if failure.kind not in {*MOVING_HELPS, FailureKind.DISK_FULL}:
                    raise
                self._move()
                chosen = replace(chosen, session_id=self._new_id())
                recorder.start(chosen)
            return chosen.session_id

    def pause_recording(self) -> None:
        """Pause; the sound so far becomes a chunk at once."""
        self._part().pause()

    def resume_recording(self) -> None:
        """Go on after a pause."""
        self._part().resume()

    def stop_recording(self) -> None:
        """End the recording without waiting for its last chunk."""
        self._part().stop()

    def toggle_recording(self) -> None:
        """Start when idle, else stop."""
        with self._guard:
            if self.capture.state is CaptureState.IDLE:
                self.start_recording()
            else:
                self.stop_recording()

    def add_marker(self, label: str = "") -> None:
        """Set a marker at this moment of the recording."""
        self._part().add_marker(label)

    def wait_recorded(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is being recorded; False after the time-out."""
        return self._part().wait(timeout_s)

    # ------------------------------------------------------------------------------ library

    def sessions(self) -> list[Session]:
        """All recordings, newest first. From any thread."""
        with closing(Spool.open_read_only(self.paths.spool_dir)) as spool:
            return spool.sessions()

    def chunks(self, session_id: str) -> list[Chunk]:
        """A recording's chunks in order. From any thread."""
        with closing(Spool.open_read_only(self.paths.spool_dir)) as spool:
            return spool.chunks(session_id)

    def rename_session(self, session_id: str, title: str) -> None:
        """Give a recording another title."""
        with closing(Spool.open(self.paths.spool_dir, clock=self._clock)) as spool:
            spool.rename_session(session_id, title)
        self._publisher.session_changed(session_id)

    def delete_session(self, session_id: str, *, accepted_loss_ms: int = 0) -> None:
        """Delete a recording from this computer, as the person has confirmed.

        The server is asked first whether it still has what it acknowledged: it may have been
        restored from an older backup.

        Args:
            session_id: which one.
            accepted_loss_ms: how much sound the person agrees to lose (OnlyHereError.lost_ms).

        Raises:
            AlreadyRecordingError: when it is being recorded.
            OnlyHereError: when more than that is not known to be anywhere else.
        """
        self._must_not_run(session_id)
        confirmed = session_id in self._confirm([session_id])
        with self._guard:
            self._must_not_run(session_id)
            with closing(Spool.open(self.paths.spool_dir, clock=self._clock)) as spool:
                lost_ms = only_here(spool, session_id, confirmed=confirmed)
                session = spool.session(session_id)
                if session is not None and lost_ms > accepted_loss_ms:
                    raise OnlyHereError(session.title, lost_ms, asked=confirmed)
                spool.delete_session(session_id)
        self._publisher.session_changed(session_id)

    def _must_not_run(self, session_id: str) -> None:
        now = self.status.capture
        if now.session_id == session_id and now.state is not CaptureState.IDLE:
            raise AlreadyRecordingError(
                "Still recording", "This recording runs.", "Stop it before you delete it."
            )

    # --------------------------------------------------------------------------------- sync

    def send_now(self) -> None:
        """Try to send again at once."""
        self._delivering().send_now()

    def set_sync_paused(self, paused: bool) -> None:
        """Hold sending back, or go on with it."""
        self._delivering().set_paused(paused)

    # ------------------------------------------------------------------------------ private

    def _listen(self) -> None:
        if self._listening:
            return
        try:
            self._control.start()
        except UnreachableError as error:
            if self.storage.failure is None:
                raise
            # With the usual folder its socket may be lost, too: recording matters more.
            log.warning("the command line cannot reach this instance: %s", error)
        self._listening = True

    def _stop_listening(self) -> None:
        self._listening = False
        self._control.stop()

    def _make_sync(self) -> SyncPart:
        return self._parts.sync(
            self.paths.spool_dir,
            self._device_id,
            self._sync_changed,
            self._publisher.session_changed,
            self._clock,
        )

    def _make_delivery(self) -> Delivery:
        # The bundled server's own folder is in the usual one, and must not be started empty.
        make_server = self._parts.server if self.storage.failure is None else None
        return Delivery(
            self._make_sync(), make_server, self.paths, self._credentials, self._environ
        )

    def _confirm(self, session_ids: Collection[str]) -> frozenset[str]:
        delivery = self._delivery
        return frozenset() if delivery is None else delivery.confirm(session_ids)

    def _session_changed(self, session_id: str) -> None:
        self._publisher.session_changed(session_id)

    def _part(self) -> RecorderPart:
        if self._recorder is None:
            raise _starting()
        return self._recorder

    def _delivering(self) -> Delivery:
        if self._delivery is None:
            raise _starting()
        return self._delivery

    def _move(self) -> None:
        """The spool in use has failed."""
        with self._guard:
            if self._running is not None and self._delivery is not None:
                parts = self._part(), self._delivery, self._make_sync
                self._relocation.move(self._running, *parts)

    def _sync_changed(self, sync: SyncStatus) -> None:
        self._publisher.sync_changed(sync)
        self._relocation.watch_sync(sync)

    def _capture_changed(self, capture: CaptureStatus) -> None:
        self._publisher.capture_changed(capture)
        self._relocation.watch_capture(capture)
        if capture.state is CaptureState.IDLE and self._delivery is not None:
            self._delivery.wake()  # the session has ended: its receipt can be asked for

    def _spooled(self, session_id: str) -> None:
        self._publisher.session_changed(session_id)
        if self._delivery is not None:
            self._delivery.wake()

    def _stop_recorder(self) -> None:
        recorder = self._part()
        if recorder.status.state is not CaptureState.IDLE:
            recorder.stop()
        if not recorder.wait(FINALISE_S):
            log.error(
                "the last chunk was not committed in %g s; it stays in the journal", FINALISE_S
            )

    def _room(self) -> Room:
        here = self.settings.server == LOCAL and self.storage.failure is None
        free = free_bytes(self.paths.data_dir)
        return room_of(free, bitrate=self.settings.bitrate, copies=2 if here else 1)

    def _keep_up(self, spool: Spool) -> float:
        """Delete what is due, never while the usual folder fails; when to be called again (s)."""
        return LOOK_S if self.storage.failure is not None else self._upkeep(spool)


def default_title(at_ms: int) -> str:
    """The title of a recording that was given none: when it began, in local time."""
    began = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone()
    return f"Recording {began:%Y-%m-%d %H:%M}"


def _starting() -> ScribeError:
    return ScribeError("Scribe is starting", "It is not ready yet.", "Try again in a moment.")
