"""Facts from the recorder and the sync engine → one immutable Status → plain callbacks.

The parts' threads only leave their facts here; counting in the spool, calling the watchers and the
upkeep happen on the thread `scribe-app`, so a slow watcher holds nobody up.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import CaptureStatus, Chunk, Status, SyncStatus
from scribe_desktop.room import Room
from scribe_desktop.spool import Spool

log = logging.getLogger(__name__)

LOOK_S: Final = 10.0
"""Between two looks at the room on the disk."""
UPKEEP_AGAIN_S: Final = 60.0
"""After so long an upkeep that the spool refused is tried again."""

Watcher = Callable[[Status], None]


def with_counts(status: Status, chunks: Iterable[Chunk]) -> Status:
    """The status with the numbers of the session in view, whose chunks these are."""
    all_of_it = list(chunks)
    acked = [chunk for chunk in all_of_it if chunk.acked_at is not None]
    return replace(
        status,
        session_chunks=len(all_of_it),
        session_acked=len(acked),
        session_spooled_samples=sum(chunk.samples for chunk in all_of_it),
        session_acked_samples=sum(chunk.samples for chunk in acked),
    )


class Publisher:
    """Keeps the newest Status and tells the watchers, always from the same thread."""

    def __init__(
        self, upkeep: Callable[[Spool], float], room: Callable[[], Room | None] = lambda: None
    ) -> None:
        self._upkeep = upkeep
        self._room = room
        self._lock = threading.Lock()
        self._status = Status()
        self._session_id: str | None = None
        self._recount = False
        self._watchers: list[Watcher] = []
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def status(self) -> Status:
        """The newest snapshot."""
        with self._lock:
            return self._status

    def subscribe(self, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` after each change; returns what ends it."""
        with self._lock:
            self._watchers.append(watcher)

        def unsubscribe() -> None:
            with self._lock:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)

        return unsubscribe

    def capture_changed(self, capture: CaptureStatus) -> None:
        """Take over what the recorder says. From any thread."""
        with self._lock:
            if capture.session_id is not None and capture.session_id != self._session_id:
                self._session_id = capture.session_id
                self._recount = True
            self._put(replace(self._status, capture=capture))

    def sync_changed(self, sync: SyncStatus) -> None:
        """Take over what the sync engine says. From any thread."""
        with self._lock:
            self._put(replace(self._status, sync=sync))

    def session_changed(self, session_id: str) -> None:
        """A session's chunks, acks or receipt changed. From any thread."""
        with self._lock:
            self._recount = self._recount or session_id == self._session_id
            self._put(self._status)

    def storage_changed(self, notice: str) -> None:
        """Say where the recordings are, when that is not where they belong. From any thread."""
        with self._lock:
            self._recount = True  # the change may have brought or taken parts
            self._put(replace(self._status, storage=notice))

    def start(self, spool_folder: Path) -> None:
        """Begin to call the watchers; after `stop` once more, also with another folder."""
        self._stopping.clear()
        self._recount = True
        self._thread = threading.Thread(
            target=self._run, args=(spool_folder,), name="scribe-app", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Tell the last status and end the thread; idempotent."""
        self._stopping.set()
        self._changed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(10)
            self._thread = None

    def _put(self, status: Status) -> None:
        self._status = replace(status, revision=self._status.revision + 1)
        self._changed.set()

    def _run(self, folder: Path) -> None:
        try:
            spool = Spool.open(folder)
        except ScribeError:
            log.exception("the spool cannot be watched")
            return
        try:
            next_upkeep = next_look = time.monotonic()
            while not self._stopping.is_set():
                if time.monotonic() >= next_upkeep:
                    next_upkeep = time.monotonic() + self._keep_up(spool)
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + LOOK_S
                    self._look_for_room()
                self._changed.wait(max(0.0, min(next_upkeep, next_look) - time.monotonic()))
                self._changed.clear()
                self._try(lambda: self._count(spool))
                self._tell()
        finally:
            spool.close()

    def _keep_up(self, spool: Spool) -> float:
        """Do what is due; in how many seconds something is again."""
        wait_s = UPKEEP_AGAIN_S

        def work() -> None:
            nonlocal wait_s
            wait_s = self._upkeep(spool)

        self._try(work)
        return wait_s

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ScribeError as error:
            log.warning("%s", error)  # the spool refuses; the recorder tells the person why

    def _look_for_room(self) -> None:
        room = self._room()
        with self._lock:
            if room != self._status.room:
                self._put(replace(self._status, room=room))

    def _count(self, spool: Spool) -> None:
        with self._lock:
            session_id = self._session_id
            wanted, self._recount = self._recount, False
        if not wanted or session_id is None:
            return
        chunks = spool.chunks(session_id)
        with self._lock:
            if session_id == self._session_id:
                self._put(with_counts(self._status, chunks))

    def _tell(self) -> None:
        with self._lock:
            status, watchers = self._status, list(self._watchers)
        for watcher in watchers:
            try:
                watcher(status)
            except Exception:
                log.exception("a watcher failed")
