"""Named timers on the running loop; arming one again replaces it."""

import asyncio
from collections.abc import Callable, Hashable


class Timers:
    """The timers of one owner; none fires after `cancel`."""

    def __init__(self) -> None:
        self._handles: dict[Hashable, asyncio.TimerHandle] = {}
        self._unnamed = 0

    def arm(self, name: Hashable, after_s: float, callback: Callable[[], None]) -> None:
        """Call back once after so many seconds, instead of what the name stood for."""
        self.disarm(name)

        def fire() -> None:
            self._handles.pop(name, None)
            callback()

        self._handles[name] = asyncio.get_running_loop().call_later(after_s, fire)

    def later(self, after_s: float, callback: Callable[[], None]) -> None:
        """Call back once after so many seconds."""
        self._unnamed += 1
        self.arm(self._unnamed, after_s, callback)

    def disarm(self, name: Hashable) -> None:
        """Forget a timer; one that is not armed is fine."""
        if (handle := self._handles.pop(name, None)) is not None:
            handle.cancel()

    def cancel(self) -> None:
        """Forget all timers."""
        for name in list(self._handles):
            self.disarm(name)

    def __len__(self) -> int:
        return len(self._handles)
