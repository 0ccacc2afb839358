import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.model import SyncState, SyncStatus
from scribe_desktop.spool import Spool
from scribe_desktop.spool.database import FILE_NAME
from scribe_desktop.sync.engine import SyncEngine
from scribe_desktop.sync.identity import Identities
from tests.parts.fake_server import FakeServer
from tests.parts.filled_spool import add_session, session_id_of, spool_in
from tests.parts.processes import wait_until
from tests.parts.running_driver import TARGET

FIRST = session_id_of(1)


class Running:
    """An engine on its thread, with a server in memory."""

    def __init__(self, folder: Path) -> None:
        self.server = FakeServer()
        self.threads: set[str] = set()
        self.spool = spool_in(folder)
        Identities(self.spool).pin(TARGET, self.server.identity)
        self.engine = SyncEngine(
            spool_folder=folder,
            device_id="device",
            on_status=self._on_status,
            on_session=lambda _: None,
            make_connection=self.server.connection,
        )

    def _on_status(self, _: SyncStatus) -> None:
        self.threads.add(threading.current_thread().name)

    def wait_for(self, state: SyncState) -> None:
        wait_until(
            lambda: self.engine.status.state is state,
            timeout_s=10,
            what=f"{state}, not {self.engine.status}",
            every_s=0.005,
        )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.engine.stop(0.0)
    made.spool.close()


def test_wishes_made_before_the_start_are_granted(running: Running) -> None:
    add_session(running.spool, FIRST, chunks=3)
    running.engine.set_target(TARGET)
    running.engine.start()
    wait_until(lambda: running.spool.receipt(FIRST), timeout_s=10, what="a receipt")
    assert running.threads == {"scribe-sync"}


def test_a_wake_up_from_another_thread_sends_what_is_new(running: Running) -> None:
    running.engine.start()
    running.engine.set_target(TARGET)
    running.wait_for(SyncState.IDLE)
    add_session(running.spool, FIRST, chunks=3)
    running.engine.wake()
    wait_until(lambda: running.spool.receipt(FIRST), timeout_s=10, what="a receipt")


def test_the_sync_thread_moves_the_log_of_the_spool_into_its_file(
    running: Running, tmp_path: Path
) -> None:
    running.engine.start()
    add_session(running.spool, FIRST, chunks=30, size=300_000)
    spooled = (tmp_path / FILE_NAME).stat().st_size
    running.engine.set_target(TARGET)

    wait_until(lambda: running.spool.receipt(FIRST), timeout_s=10, what="a receipt")

    assert spooled < 1_000_000
    assert (tmp_path / FILE_NAME).stat().st_size > 30 * 300_000


def test_pausing_and_going_on(running: Running) -> None:
    running.engine.start()
    running.engine.set_target(TARGET)
    running.wait_for(SyncState.IDLE)
    running.engine.set_paused(True)
    running.wait_for(SyncState.OFFLINE)
    running.engine.set_paused(False)
    running.wait_for(SyncState.IDLE)


def test_stopping_sends_what_is_in_the_spool_and_leaves_no_thread(running: Running) -> None:
    running.engine.start()
    running.engine.set_target(TARGET)
    running.wait_for(SyncState.IDLE)
    add_session(running.spool, FIRST, chunks=3)

    running.engine.stop(10.0)
    running.engine.stop(10.0)

    assert running.spool.receipt(FIRST) is not None
    assert "scribe-sync" not in {thread.name for thread in threading.enumerate()}
    assert running.server.connections == []


def test_stopping_without_a_server_does_not_wait(running: Running) -> None:
    running.server.is_up = False
    add_session(running.spool, FIRST, chunks=3)
    running.engine.set_target(TARGET)
    running.engine.start()
    running.wait_for(SyncState.OFFLINE)
    running.engine.stop(3_600.0)
    assert "scribe-sync" not in {thread.name for thread in threading.enumerate()}


def test_an_engine_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    made = Running(tmp_path)
    made.engine.stop()
    made.spool.close()
    assert made.engine.status == SyncStatus()


def test_the_server_is_asked_from_another_thread_what_it_holds(running: Running) -> None:
    add_session(running.spool, FIRST, chunks=3)
    assert running.engine.confirm([FIRST]) == set()  # it does not run yet
    running.engine.start()
    assert running.engine.confirm([FIRST]) == set()  # it has nobody to ask
    running.engine.set_target(TARGET)
    wait_until(lambda: running.spool.receipt(FIRST), timeout_s=10, what="a receipt")
    assert running.engine.confirm([FIRST, session_id_of(2)]) == {FIRST}
    running.server.stored.clear()
    assert running.engine.confirm([FIRST]) == set()
    assert running.engine.confirm([]) == set()


def test_a_new_identity_is_accepted_from_another_thread(running: Running) -> None:
    stranger = FakeServer(server_id="stranger").identity
    Identities(running.spool).pin(TARGET, stranger)
    Identities(running.spool).offer(TARGET, running.server.identity)
    running.engine.accept_server_identity()
    running.engine.set_target(TARGET)
    running.engine.accept_server_identity()
    running.engine.send_now()
    running.engine.start()
    running.wait_for(SyncState.IDLE)


def test_a_spool_that_cannot_be_opened_is_an_error_and_stopping_still_works(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")
    engine = SyncEngine(
        spool_folder=tmp_path / "file",
        device_id="device",
        on_status=lambda _: None,
        on_session=lambda _: None,
    )
    engine.start()
    wait_until(lambda: engine.status.error_code == "spool", timeout_s=10, what="an error")
    assert engine.status.state is SyncState.ERROR
    engine.stop(0.0)
    with pytest.raises(Exception, match=r"written|error"):
        Spool.open(tmp_path / "file")
