"""Ctrl+C and SIGTERM as a fact that a loop looks at, so that a recording is ended cleanly."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """While the context is open, SIGINT and SIGTERM only note that they came."""

    def __init__(self) -> None:
        self._came = threading.Event()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def came(self) -> bool:
        """Whether one has come since the last `forget`."""
        return self._came.is_set()

    def forget(self) -> None:
        """The interrupt was obeyed; the next one means something new."""
        self._came.clear()

    def wait(self, seconds: float) -> bool:
        """Wait, but not longer than until one comes; whether one has."""
        return self._came.wait(seconds)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._came.set()
