"""Work on a thread of its own, so that the window never waits for a disk or a sound server."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QRunnable, QThreadPool, SignalInstance
from typing_extensions import override

from scribe_desktop.errors import ScribeError


class Background(QObject):
    """One thread that does one thing after the other."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)

    def do(self, work: Callable[[], object], done: SignalInstance) -> None:
        """Do `work`; then `done` is emitted with its result, or with the ScribeError it raised."""
        self._pool.start(_Job(work, done))

    def finish(self) -> None:
        """Wait until all of it is done."""
        self._pool.waitForDone()


class _Job(QRunnable):
    def __init__(self, work: Callable[[], object], done: SignalInstance) -> None:
        super().__init__()
        self._work = work
        self._done = done

    @override
    def run(self) -> None:
        result: object = None
        try:
            result = self._work()
        except ScribeError as error:
            result = error
        finally:  # also for a mistake of ours, which goes on to be reported
            self._done.emit(result)
