"""An event loop whose clock jumps to the next timer: waiting takes no time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: what the loop wanted to wait is added to its clock."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.passed_s += timeout
        return ready if timeout is not None else super().select(None)


class JumpingLoop(asyncio.SelectorEventLoop):
    """For tests in which everything happens in this process and nothing in threads."""

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return 1_000.0 + self._jumping.passed_s


def run_jumping(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, with time that jumps."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main)
