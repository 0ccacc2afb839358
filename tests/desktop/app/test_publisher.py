import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scribe_desktop.app.publisher import Publisher, with_counts
from scribe_desktop.errors import SpoolError
from scribe_desktop.model import CaptureState, CaptureStatus, Status, SyncState, SyncStatus
from scribe_desktop.room import MB, Room
from scribe_desktop.spool import Spool
from tests.parts.delivered import deliver
from tests.parts.filled_spool import FULL_CHUNK, add_session, session_id_of, spool_in
from tests.parts.processes import wait_until

ONE = session_id_of(1)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = spool_in(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def publisher(spool: Spool, tmp_path: Path) -> Iterator[Publisher]:
    made = Publisher(lambda _: 3600.0)
    made.start(tmp_path)
    yield made
    made.stop()


def recording(session_id: str = ONE) -> CaptureStatus:
    return CaptureStatus(state=CaptureState.RECORDING, session_id=session_id)


def test_the_newest_facts_are_in_the_status_at_once(publisher: Publisher) -> None:
    publisher.capture_changed(recording())
    publisher.sync_changed(SyncStatus(state=SyncState.SYNCING, pending=3))
    status = publisher.status
    assert (status.capture.state, status.sync.pending) == (CaptureState.RECORDING, 3)
    assert status.revision >= 2


def test_the_session_in_view_is_counted(spool: Spool, publisher: Publisher) -> None:
    add_session(spool, ONE, chunks=3, ended=False)
    publisher.capture_changed(recording())
    wait_until(lambda: publisher.status.session_chunks == 3, timeout_s=10, what="three chunks")
    deliver(spool, ONE)
    publisher.session_changed(ONE)
    wait_until(lambda: publisher.status.session_acked == 3, timeout_s=10, what="three acks")
    assert publisher.status.session_acked_samples == 3 * FULL_CHUNK


def test_another_session_does_not_change_the_counts(spool: Spool, publisher: Publisher) -> None:
    add_session(spool, ONE, chunks=1, ended=False)
    publisher.capture_changed(recording())
    wait_until(lambda: publisher.status.session_chunks == 1, timeout_s=10, what="one chunk")
    before = publisher.status
    publisher.session_changed(session_id_of(2))
    assert publisher.status.revision > before.revision
    assert publisher.status.session_chunks == 1


def test_a_watcher_is_told_until_it_unsubscribes(publisher: Publisher) -> None:
    told: list[Status] = []
    threads: set[str] = set()

    def watch(status: Status) -> None:
        told.append(status)
        threads.add(threading.current_thread().name)

    unsubscribe = publisher.subscribe(watch)
    publisher.capture_changed(recording())
    wait_until(
        lambda: told and told[-1].capture.session_id == ONE, timeout_s=10, what="the watcher"
    )
    unsubscribe()
    unsubscribe()
    publisher.stop()
    seen = len(told)
    publisher.capture_changed(CaptureStatus())
    assert (len(told), threads) == (seen, {"scribe-app"})


@pytest.mark.logs_errors
def test_a_watcher_that_fails_does_not_stop_the_others(publisher: Publisher) -> None:
    told = threading.Event()

    def fail(_: Status) -> None:
        raise ZeroDivisionError

    publisher.subscribe(fail)
    publisher.subscribe(lambda _: told.set())
    publisher.capture_changed(recording())
    assert told.wait(10)


def test_upkeep_happens_at_the_start_and_its_failure_ends_nothing(
    spool: Spool, tmp_path: Path
) -> None:
    looked: list[Spool] = []

    def upkeep(opened: Spool) -> float:
        looked.append(opened)
        raise SpoolError("Full", "There is no room.")

    publisher = Publisher(upkeep)
    told = threading.Event()
    publisher.subscribe(lambda _: told.set())
    publisher.start(tmp_path)
    publisher.capture_changed(recording())
    assert told.wait(10)
    publisher.stop()
    assert len(looked) == 1


def test_upkeep_says_when_it_wants_to_be_called_again(spool: Spool, tmp_path: Path) -> None:
    looked, enough = [], threading.Event()

    def upkeep(opened: Spool) -> float:
        looked.append(opened)
        if len(looked) == 3:
            enough.set()
        return 0.01 if len(looked) < 3 else 3600.0

    publisher = Publisher(upkeep)
    publisher.start(tmp_path)
    assert enough.wait(10)
    publisher.stop()
    assert len(looked) == 3


@pytest.mark.logs_errors
def test_without_a_spool_the_status_still_shows_the_parts(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    publisher = Publisher(lambda _: 3600.0)
    publisher.start(tmp_path / "file")
    publisher.capture_changed(recording())
    assert publisher.status.capture.session_id == ONE
    publisher.stop()


def test_counting_nothing_gives_zeros() -> None:
    assert with_counts(Status(session_chunks=9), []).session_chunks == 0


def test_the_room_on_the_disk_is_looked_at(spool: Spool, tmp_path: Path) -> None:
    publisher = Publisher(lambda _: 3600.0, lambda: Room(7 * MB, 3))
    publisher.start(tmp_path)
    wait_until(lambda: publisher.status.room == Room(7 * MB, 3), timeout_s=10, what="the room")
    publisher.stop()


def test_after_a_stop_another_folder_can_be_watched(publisher: Publisher, tmp_path: Path) -> None:
    publisher.capture_changed(recording())
    publisher.stop()
    with closing(spool_in(tmp_path / "other")) as other:
        add_session(other, ONE, chunks=3)
    publisher.storage_changed("elsewhere")
    publisher.start(tmp_path / "other")
    wait_until(lambda: publisher.status.session_chunks == 3, timeout_s=10, what="the count")
    assert publisher.status.storage == "elsewhere"
