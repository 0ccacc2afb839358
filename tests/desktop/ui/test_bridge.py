import threading
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication

from scribe_desktop.model import CaptureState, Status
from scribe_desktop.ui.bridge import Bridge
from tests.desktop.ui.fake_app import FakeApp

Wait = Callable[[Callable[[], object]], None]


def watched(bridge: Bridge) -> list[Status]:
    seen: list[Status] = []
    bridge.status_changed.connect(seen.append)
    return seen


def test_a_status_from_another_thread_arrives_on_the_main_thread(app: FakeApp, wait: Wait) -> None:
    bridge = Bridge(app)
    threads: list[QThread] = []
    bridge.status_changed.connect(lambda _status: threads.append(QThread.currentThread()))
    bridge.start()
    other = threading.Thread(target=app.capture, args=[CaptureState.RECORDING])
    other.start()
    other.join()
    wait(lambda: len(threads) == 2)
    main = QApplication.instance()
    assert main is not None
    assert all(thread == main.thread() for thread in threads)
    bridge.stop()


def test_watching_begins_with_the_status_as_it_is(app: FakeApp) -> None:
    bridge = Bridge(app)
    seen = watched(bridge)
    bridge.start()
    assert seen == [app.status]
    bridge.stop()


def test_a_lost_notice_is_mended_by_reading_again(app: FakeApp, wait: Wait) -> None:
    bridge = Bridge(app)
    seen = watched(bridge)
    bridge.start()
    app.status = replace(app.status, session_chunks=7, revision=5)
    wait(lambda: seen[-1].session_chunks == 7)
    bridge.stop()


def test_an_older_status_does_not_come_after_a_newer_one(app: FakeApp) -> None:
    bridge = Bridge(app)
    seen = watched(bridge)
    bridge.start()
    app.publish(app.status)
    app.tell(replace(app.status, revision=0))
    assert [status.revision for status in seen] == [0, 1]
    bridge.stop()


def test_after_the_stop_nothing_comes(app: FakeApp) -> None:
    bridge = Bridge(app)
    seen = watched(bridge)
    bridge.start()
    bridge.stop()
    bridge.stop()
    app.publish(app.status)
    assert len(seen) == 1
