"""When Python's cyclic garbage collector looks at everything, which stops the server meanwhile.

With 10 000 connections a full collection takes most of a second and finds next to nothing, since
nearly all memory is freed by reference counts. Left alone it runs again and again while clients
connect. So: what is there at the start is frozen, young objects are collected by the interpreter
as ever (more of them at a time), and a full collection is made here, when it is worth its time.
"""

import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

YOUNG_OBJECTS: Final = 20_000
"""New objects after which the young are looked at: some milliseconds of work."""
_YOUNG_ROUNDS: Final = 2
_NEVER: Final = 1_000_000_000
_FEW_SOCKETS: Final = 1000
_GROWN_SHARE: Final = 1.25
_GROWN_BYTES: Final = 64 * 1024 * 1024
_SOCKET_BYTES: Final = 48 * 1024
"""What a connection may well need; more than that is taken for garbage."""
_QUIET_EVERY_S: Final = 600


@dataclass(frozen=True, slots=True)
class Activity:
    """What the server has done since it started; `sockets` and `memory` (bytes) are of now."""

    sockets: int
    ended: int
    chunks: int
    memory: int


def is_due(last: Activity, before: Activity, now: Activity, since_s: float) -> bool:
    """Whether a full collection is worth its time.

    Args:
        last: at the last full collection.
        before: at the last look.
        now: at this look.
        since_s: seconds since the last full collection.
    """
    if now.ended - last.ended >= max(_FEW_SOCKETS, now.sockets):
        return True
    connections = max(0, now.sockets - last.sockets) * _SOCKET_BYTES
    if now.memory > last.memory * _GROWN_SHARE + _GROWN_BYTES + connections:
        return True
    quiet = now.chunks == before.chunks
    idle_all_along = now.chunks == last.chunks and now.ended == last.ended
    return quiet and not idle_all_along and since_s >= _QUIET_EVERY_S


class Collector:
    """Makes full collections when they are due."""

    def __init__(
        self,
        activity: Callable[[], Activity],
        *,
        collect: Callable[[], int] = gc.collect,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._activity = activity
        self._collect = collect
        self._monotonic = monotonic
        self._last = self._before = activity()
        self._last_at = monotonic()

    def look(self) -> None:
        """Collect when it is due; called every few seconds."""
        try:
            self._look()
        except OSError as error:  # to measure takes a descriptor, and there may be none left
            log.warning("memory cannot be measured: %s", error)

    def _look(self) -> None:
        before, now = self._before, self._activity()
        self._before = now
        if not is_due(self._last, before, now, self._monotonic() - self._last_at):
            return
        began = self._monotonic()
        found = self._collect()
        self._last_at = self._monotonic()
        self._last = self._before = self._activity()
        log.info("collected %d objects in %.0f ms", found, 1000 * (self._last_at - began))


def settle() -> None:
    """Freeze what is there, once, when the server has started; full collections are ours now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, _YOUNG_ROUNDS, _NEVER)
