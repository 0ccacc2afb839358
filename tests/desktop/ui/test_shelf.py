import threading
from collections.abc import Callable
from dataclasses import replace

from scribe_desktop.errors import ScribeError, SpoolError
from scribe_desktop.model import Level, Session
from scribe_desktop.ui.shelf import Shelf, ShelfReader
from tests.desktop.ui.fake_app import FakeApp, chunk, session

Wait = Callable[[Callable[[], object]], None]


def reader_of(app: FakeApp) -> tuple[ShelfReader, list[Shelf], list[ScribeError]]:
    reader = ShelfReader(app)
    shelves: list[Shelf] = []
    failures: list[ScribeError] = []
    reader.read.connect(shelves.append)
    reader.failed.connect(failures.append)
    return reader, shelves, failures


def test_the_shelf_holds_the_sessions_and_the_chunks_of_the_newest(
    app: FakeApp, wait: Wait
) -> None:
    app.shelf, app.parts = [session("one"), session("two")], [chunk(0), chunk(1)]
    reader, shelves, _ = reader_of(app)
    reader.refresh()
    wait(lambda: shelves)
    assert shelves == [Shelf(tuple(app.shelf), tuple(app.parts))]
    reader.stop()


def test_an_unreadable_spool_is_told_and_read_again(app: FakeApp, wait: Wait) -> None:
    app.error = SpoolError("Damaged", "It cannot be read.")
    reader, shelves, failures = reader_of(app)
    reader.refresh()
    wait(lambda: failures)
    reader.refresh()
    wait(lambda: shelves)
    assert shelves == [Shelf()]
    reader.stop()


def test_only_what_changes_the_list_is_a_reason_to_read(app: FakeApp, wait: Wait) -> None:
    reader, shelves, _ = reader_of(app)
    reader.watch(app.status)
    wait(lambda: len(shelves) == 1)
    louder = replace(app.status.capture, level=Level(-3, -9))
    reader.watch(replace(app.status, capture=louder, revision=2))
    assert not reader._timer.isActive()
    reader.watch(replace(app.status, session_acked=1))
    wait(lambda: len(shelves) == 2)
    reader.stop()


def test_the_list_is_read_on_another_thread_and_once_more_after_a_request_meanwhile(
    app: FakeApp, wait: Wait
) -> None:
    threads: list[threading.Thread] = []
    may_go_on = threading.Event()

    def slow_sessions() -> list[Session]:
        threads.append(threading.current_thread())
        may_go_on.wait(10)
        return []

    app.sessions = slow_sessions
    reader, shelves, _ = reader_of(app)
    reader.refresh()
    wait(lambda: threads)
    reader.refresh()
    reader.refresh()
    may_go_on.set()
    wait(lambda: len(shelves) == 2)
    assert threading.main_thread() not in threads
    assert len(threads) == 2
    reader.stop()
