"""A running Scribe whose spool fails: everybody lets go of it, another takes its place.

Order: (1) the recorder lets go and holds the sound, watcher and sync engine end; (2) the file is
put aside if it is damaged, or another folder is found (`Storage.change`); (3) recorder and watcher
go on there; (4) what can be read of the damaged file is taken over; (5) a new sync engine begins.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from scribe_desktop.app.delivery import Delivery
from scribe_desktop.app.parts import RecorderPart, SyncPart
from scribe_desktop.app.publisher import Publisher
from scribe_desktop.app.storage import Storage
from scribe_desktop.errors import ScribeError
from scribe_desktop.model import CaptureReason, CaptureState, CaptureStatus, SyncStatus
from scribe_desktop.spool import is_suspect
from scribe_desktop.sync import reasons

log = logging.getLogger(__name__)

PAUSE_S: Final = 5.0
"""Between two moves, so that a disk that refuses everything is not asked all the time."""


def wants_move(capture: CaptureStatus) -> bool:
    """Whether a recording runs whose spool refuses its sound for good."""
    return capture.reason is CaptureReason.SPOOL and capture.state is not CaptureState.IDLE


class Relocation:
    """Moves recorder, watcher and sync engine to another spool. `move` belongs under a lock."""

    def __init__(
        self,
        storage: Storage,
        publisher: Publisher,
        move: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._publisher = publisher
        self._move = move
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._busy = False
        self._moved_at = -PAUSE_S
        self._was_whole = False

    def watch_capture(self, capture: CaptureStatus) -> None:
        """Look at what the recorder says. From any thread; returns at once."""
        if wants_move(capture):
            self._begin()

    def watch_sync(self, sync: SyncStatus) -> None:
        """Look at what the sync engine says. From any thread; returns at once."""
        if sync.error_code == reasons.SPOOL and is_suspect(self._storage.paths.spool_dir):
            self._begin()

    def move(
        self,
        stack: ExitStack,
        recorder: RecorderPart,
        delivery: Delivery,
        make_sync: Callable[[], SyncPart],
    ) -> None:
        """Go elsewhere, or go on where we were when there is nowhere to go.

        Args:
            stack: holds the locks of the folders.
            recorder: who records.
            delivery: who sends.
            make_sync: makes an engine for the spool in use.
        """
        recorder.release()
        delivery.release()
        self._publisher.stop()
        before = self._storage.quarantined
        try:
            # A file that failed and was found whole fails again: the disk is to blame.
            self._storage.change(stack, avoid_ordinary=self._was_whole)
        except ScribeError as error:
            log.warning("there is no other place for the recordings: %s", error)
        self._was_whole = before == self._storage.quarantined
        paths = self._storage.paths
        log.warning("recordings are kept in %s from now on", paths.data_dir)
        recorder.use(paths.spool_dir, paths.journal_dir)
        self._publisher.start(paths.spool_dir)
        self._storage.salvage()
        self._publisher.storage_changed(self._storage.notice)
        delivery.resume(make_sync())

    def _begin(self) -> None:
        with self._lock:
            if self._busy or self._monotonic() - self._moved_at < PAUSE_S:
                return
            self._busy = True
        threading.Thread(target=self._run, name="scribe-move", daemon=True).start()

    def _run(self) -> None:
        try:
            self._move()
        finally:
            with self._lock:
                self._busy = False
                self._moved_at = self._monotonic()
