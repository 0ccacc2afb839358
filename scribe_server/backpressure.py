"""Pure rules of when the server takes chunks, and how many a client may have in flight.

Closing and re-opening have different limits, so that the answer does not flutter.
"""

from dataclasses import dataclass, replace

from scribe_server.protocol import BackpressureReason

STALLED_S = 30.0
"""A store that lets a chunk wait this long takes no more."""
_MIN_AVAILABLE = 0.05
_REOPEN_MEMORY = 0.9
_REOPEN_FREE = 1.2
_DISK_SHARE = 0.05
_DISK_BYTES = 5 * 1000**3
_RETRY_MS = {
    BackpressureReason.QUEUE: 1_000,
    BackpressureReason.MEMORY: 5_000,
    BackpressureReason.STORE: 5_000,
    BackpressureReason.DISK: 30_000,
}


@dataclass(frozen=True)
class Load:
    """What was measured: bytes and seconds. `memory_used` is of the server's process tree."""

    memory_used: int
    memory_available: int
    memory_total: int
    disk_free: int
    disk_total: int
    oldest_wait_s: float


@dataclass(frozen=True)
class Thresholds:
    """`memory_limit` is the control group's limit, else the machine's memory, in bytes."""

    memory_limit: int
    memory_threshold: float = 0.8
    stalled_s: float = STALLED_S


@dataclass(frozen=True)
class Decision:
    """Whether chunks are taken; if not, why, and when asking again makes sense."""

    can_accept: bool
    reason: BackpressureReason | None = None
    retry_after_ms: int | None = None


OPEN = Decision(can_accept=True)


def closed(reason: BackpressureReason) -> Decision:
    """The decision not to take chunks, for this reason."""
    return Decision(False, reason, _RETRY_MS[reason])


def decide(load: Load, thresholds: Thresholds, previous: Decision) -> Decision:
    """The server-wide decision; a reason that closed it holds until its own re-opening limit."""
    rules = (
        (BackpressureReason.MEMORY, _memory_short),
        (BackpressureReason.DISK, _disk_short),
        (BackpressureReason.STORE, _store_stalled),
    )
    for reason, short in rules:
        if short(load, thresholds, previous.reason is reason):
            return closed(reason)
    return OPEN


def _memory_short(load: Load, thresholds: Thresholds, is_closed: bool) -> bool:
    limit = thresholds.memory_limit * thresholds.memory_threshold
    available = load.memory_total * _MIN_AVAILABLE
    if is_closed:
        limit *= _REOPEN_MEMORY
        available *= _REOPEN_FREE
    return load.memory_used > limit or load.memory_available < available


def _disk_short(load: Load, _thresholds: Thresholds, is_closed: bool) -> bool:
    floor = min(load.disk_total * _DISK_SHARE, _DISK_BYTES)
    return load.disk_free < floor * (_REOPEN_FREE if is_closed else 1)


def _store_stalled(load: Load, thresholds: Thresholds, is_closed: bool) -> bool:
    return load.oldest_wait_s >= thresholds.stalled_s * (0.5 if is_closed else 1)


@dataclass(frozen=True)
class QueueLimits:
    """What one socket may have received and unstored: chunks, and bytes from two chunks on."""

    max_chunks: int = 10
    max_bytes: int = 5 * 1024 * 1024

    def full(self, chunks: int, size: int) -> bool:
        """Whether the socket is not read on. One chunk alone may be of any size."""
        return chunks >= self.max_chunks or (chunks >= 2 and size > self.max_bytes)

    def relaxed(self, chunks: int, size: int) -> bool:
        """Whether a socket that was full has emptied enough to be told so: half of each."""
        return chunks <= self.max_chunks // 2 and (chunks < 2 or size <= self.max_bytes // 2)

    def pressed(self, chunks: int, latency_s: float) -> bool:
        """Whether the queue or the store's latency has passed half of its limit."""
        return chunks > self.max_chunks / 2 or latency_s > STALLED_S / 2


@dataclass(frozen=True)
class Window:
    """How many chunks a client may have in flight: 1 … maximum.

    Halved under pressure, then deaf to it for as many acks as were allowed in flight, because
    those chunks were sent under the old window; one more per 10 acks without pressure.
    """

    maximum: int
    size: int
    calm_acks: int = 0
    deaf_acks: int = 0

    def after_ack(self, *, pressed: bool) -> "Window":
        """The window that goes out with the next ack."""
        deaf = max(0, self.deaf_acks - 1)
        if pressed:
            if self.deaf_acks:
                return replace(self, calm_acks=0, deaf_acks=deaf)
            return Window(self.maximum, max(1, self.size // 2), 0, self.size)
        if self.calm_acks + 1 < 10:
            return replace(self, calm_acks=self.calm_acks + 1, deaf_acks=deaf)
        return Window(self.maximum, min(self.maximum, self.size + 1), 0, deaf)
