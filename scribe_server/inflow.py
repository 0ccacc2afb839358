"""Bytes of messages that have not come whole: few from strangers, bounded for all together.

A WebSocket frame waits in memory until its last byte is there. Somebody who announces ten megabytes
and sends nine, on many connections, would fill the memory with them.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

log = logging.getLogger(__name__)

FIRST_BYTES: Final = 64 * 1024
"""What a connection may send before somebody is signed in on it."""


@dataclass(slots=True, eq=False)
class _Arriving:
    owner: Callable[[], Hashable | None]
    cut: Callable[[], None]
    bytes: int = 0
    began: int = 0


class Inflow:
    """Counts what has arrived of unfinished messages, on the event loop's thread.

    Over `most` bytes the owner who has the most of them loses the connection whose message began
    first. Somewhat less is counted than there is: bytes behind a message that has come whole count
    for that message when they arrived with it.
    """

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self._most = most
        self._arriving: dict[Hashable, _Arriving] = {}
        self._order = itertools.count()

    @property
    def watched(self) -> int:
        """How many connections are counted."""
        return len(self._arriving)

    def watch(
        self, connection: Hashable, owner: Callable[[], Hashable | None], cut: Callable[[], None]
    ) -> None:
        """Count a connection's bytes from now on.

        Args:
            connection: what `received` names it by.
            owner: who is signed in on it; None: nobody yet.
            cut: ends it at once.
        """
        self._arriving[connection] = _Arriving(owner, cut)

    def received(self, connection: Hashable, size: int) -> None:
        """So many bytes have come; those of connections that nobody watches are not counted."""
        arriving = self._arriving.get(connection)
        if arriving is None:
            return
        if not arriving.bytes:
            arriving.began = next(self._order)
        arriving.bytes += size
        self.bytes += size
        if arriving.bytes > FIRST_BYTES and arriving.owner() is None:
            self._cut(connection, "nobody is signed in on it")
        elif self.bytes > self._most:
            self._make_room()

    def handed_over(self, connection: Hashable) -> None:
        """A message has come whole, and is somebody else's to count."""
        arriving = self._arriving.get(connection)
        if arriving is not None:
            self.bytes -= arriving.bytes
            arriving.bytes = 0

    def forget(self, connection: Hashable) -> None:
        """The connection has ended; again does nothing."""
        self.handed_over(connection)
        self._arriving.pop(connection, None)

    def _make_room(self) -> None:
        held: Counter[Hashable | None] = Counter()
        for arriving in self._arriving.values():
            held[arriving.owner()] += arriving.bytes
        ((greediest, _),) = held.most_common(1)
        _, oldest = min(
            (arriving.began, number)
            for number, arriving in enumerate(self._arriving.values())
            if arriving.bytes and arriving.owner() == greediest
        )
        self._cut(list(self._arriving)[oldest], "all together have too much of that")

    def _cut(self, connection: Hashable, why: str) -> None:
        arriving = self._arriving[connection]
        log.info("cutting a connection with %d bytes of no whole message: %s", arriving.bytes, why)
        self.forget(connection)
        arriving.cut()
