"""Whether chunks are taken, who has been told so, and who waits."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from scribe_server.backpressure import OPEN, Decision, QueueLimits, closed
from scribe_server.protocol import Backpressure, BackpressureReason
from scribe_server.sockets.flow import Unstored
from scribe_server.sockets.peers import Peer

Tell = Callable[[Peer, Backpressure], None]


class Gate:
    """The server-wide decision and each socket's queue. Who hears False hears True later."""

    def __init__(self, limits: QueueLimits, max_unstored_bytes: int, tell: Tell) -> None:
        self.limits = limits
        self.decision: Decision = OPEN
        self.peers: set[Peer] = set()
        self.all = Unstored()
        self._max_unstored = max_unstored_bytes
        self._tell = tell

    def can_accept(self, peer: Peer) -> bool:
        """What to answer this socket with when it asks whether to send."""
        return self.decision.can_accept and not peer.queue_full

    def update(self, decision: Decision) -> None:
        """Take a new server-wide decision; everybody hears of a change."""
        changed = decision.can_accept != self.decision.can_accept
        self.decision = decision
        if not changed:
            return
        for peer in list(self.peers):
            if decision.can_accept:
                self._tell_open(peer)
            else:
                self.tell_closed(peer, decision)

    async def room(self, peer: Peer, tick: Callable[[], None]) -> None:
        """Return once this socket, and all together, may hold one more chunk."""
        own = peer.unstored
        await own.until(lambda: peer.ended or not self.limits.full(own.chunks, own.bytes), tick)
        if self._all_full():
            peer.queue_full = True
            self.tell_closed(peer, closed(BackpressureReason.QUEUE))
            await self.all.until(lambda: peer.ended or not self._all_full(), tick)
            self._relax(peer)

    async def emptied(self, timeout_s: float) -> None:
        """Return once nothing is unstored any more, or after the time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.all.until(lambda: self.all.chunks == 0, lambda: None)

    def took(self, peer: Peer, size: int) -> None:
        """The socket holds one more unstored chunk."""
        peer.unstored.add(size)
        self.all.add(size)
        if self.limits.full(peer.unstored.chunks, peer.unstored.bytes) and not peer.queue_full:
            peer.queue_full = True
            self.tell_closed(peer, closed(BackpressureReason.QUEUE))

    def released(self, peer: Peer, size: int) -> None:
        """A chunk of the socket was answered."""
        peer.unstored.remove(size)
        self.all.remove(size)
        self._relax(peer)

    def tell_closed(self, peer: Peer, decision: Decision) -> None:
        """Tell a socket not to send, and remember that it was told."""
        peer.told_closed = True
        self._tell(peer, Backpressure(False, decision.reason, decision.retry_after_ms))

    def _all_full(self) -> bool:
        return self.all.chunks > 0 and self.all.bytes >= self._max_unstored

    def _relax(self, peer: Peer) -> None:
        own = peer.unstored
        if peer.queue_full and self.limits.relaxed(own.chunks, own.bytes):
            peer.queue_full = False
            self._tell_open(peer)

    def _tell_open(self, peer: Peer) -> None:
        if peer.told_closed and not peer.ended and self.can_accept(peer):
            peer.told_closed = False
            self._tell(peer, Backpressure(True))
