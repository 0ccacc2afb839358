"""The sync thread: one asyncio loop that owns the connection and its view of the spool."""

import asyncio
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from scribe_desktop.errors import SpoolError
from scribe_desktop.model import SyncState, SyncStatus, now_ms
from scribe_desktop.spool import Spool
from scribe_desktop.sync import reasons
from scribe_desktop.sync.driver import Driver, Surroundings
from scribe_desktop.sync.link import ConnectionFactory
from scribe_desktop.sync.target import ServerTarget
from scribe_desktop.sync.transport import SocketIoConnection

REOPEN_S: Final = 5.0
CHECKPOINT_BYTES: Final = 8 << 20
"""Less than capture's, so that while chunks are acked the encoder thread never has to."""

Wish = Callable[[Driver], None]


class SyncEngine:
    """Delivers the spool to a server from a thread of its own.

    Every method may be called from any thread. The callbacks are called on the sync thread.
    """

    def __init__(
        self,
        *,
        spool_folder: Path,
        device_id: str,
        on_status: Callable[[SyncStatus], None],
        on_session: Callable[[str], None],
        clock: Callable[[], int] = now_ms,
        make_connection: ConnectionFactory = SocketIoConnection,
    ) -> None:
        self._folder = spool_folder
        self._on_status = on_status
        self._surroundings = Surroundings(
            device_id=device_id,
            on_status=self._publish,
            on_session=on_session,
            clock=clock,
            make_connection=make_connection,
        )
        self._lock = threading.Lock()
        self._wishes: list[Wish] = []
        self._wake_loop: Callable[[], None] = lambda: None
        self._stop_within_s = 0.0
        self._stopping = threading.Event()
        self._status = SyncStatus()
        self._thread = threading.Thread(target=self._run, name="scribe-sync", daemon=True)

    @property
    def status(self) -> SyncStatus:
        """What the engine last said of itself."""
        return self._status

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def set_target(self, target: ServerTarget | None) -> None:
        """Deliver to this server; None when there is none or nobody is signed in."""
        self._wish(lambda driver: driver.set_target(target))

    def wake(self) -> None:
        """Look into the spool: there are new chunks, or a session was stopped."""
        self._wish(lambda driver: driver.woken())

    def send_now(self) -> None:
        """Try again at once, also after a refusal."""
        self._wish(lambda driver: driver.send_now())

    def set_paused(self, paused: bool) -> None:
        """Send nothing while paused."""
        self._wish(lambda driver: driver.set_paused(paused))

    def confirm(self, session_ids: Collection[str], timeout_s: float = 5.0) -> frozenset[str]:
        """Ask the server now which of these sessions it holds; blocks its caller.

        Not to be called on the sync thread.

        Returns:
            Those of which it has every chunk that counts as acked, with the same bytes; none when
            it does not answer in time.
        """
        if not session_ids or not self._thread.is_alive() or self._stopping.is_set():
            return frozenset()
        answer: Future[frozenset[str]] = Future()
        self._wish(lambda driver: driver.confirm(session_ids, answer.set_result))
        try:
            return answer.result(timeout_s)
        except TimeoutError:
            return frozenset()

    def accept_server_identity(self) -> None:
        """Trust the server that answers now instead of the pinned one."""
        self._wish(lambda driver: driver.accept_server_identity())

    def stop(self, timeout_s: float = 5.0) -> None:
        """Finish what is on its way within the time, close everything; again does nothing."""
        self._stop_within_s = timeout_s
        self._stopping.set()
        with self._lock:
            self._wake_loop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _wish(self, wish: Wish) -> None:
        with self._lock:
            self._wishes.append(wish)
            self._wake_loop()

    def _publish(self, status: SyncStatus) -> None:
        self._status = status
        self._on_status(status)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                spool = Spool.open(
                    self._folder,
                    clock=self._surroundings.clock,
                    checkpoint_bytes=CHECKPOINT_BYTES,
                )
            except SpoolError as error:
                self._publish(
                    SyncStatus(state=SyncState.ERROR, error_code=reasons.SPOOL, error=error.message)
                )
                self._stopping.wait(REOPEN_S)
                continue
            try:
                asyncio.run(self._main(spool))
            finally:
                spool.close()

    async def _main(self, spool: Spool) -> None:
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        driver = Driver(spool, self._surroundings)

        def wake_loop() -> None:
            loop.call_soon_threadsafe(woken.set)

        with self._lock:
            self._wake_loop = wake_loop
        driver.begin()
        try:
            while not self._stopping.is_set():
                self._grant(driver)
                await woken.wait()
                woken.clear()
            self._grant(driver)
            driver.woken()
            await self._finish(driver)
        finally:
            with self._lock:
                self._wake_loop = lambda: None
            await driver.close()

    def _grant(self, driver: Driver) -> None:
        with self._lock:
            wishes, self._wishes = self._wishes, []
        for wish in wishes:
            wish(driver)

    async def _finish(self, driver: Driver) -> None:
        try:
            async with asyncio.timeout(self._stop_within_s):
                await driver.finished()
        except TimeoutError:
            # What was not acked is still in the spool and goes at the next start.
            return
