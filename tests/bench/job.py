"""What the load generator is asked to do and what it answers: one JSON line each way."""

from typing import Literal

import msgspec

Dialect = Literal["scribe", "callback", "tus"]
"""Acks as `chunk-ack` events (ours), as Socket.IO callbacks, or as answers to tus uploads."""


class Job(msgspec.Struct, frozen=True):
    """A load. Without a rate each connection keeps `window` chunks in flight (closed loop).

    Attributes:
        url: the server's origin.
        token: for a server that asks for one.
        dialect: how the server is spoken to.
        connections: each of them is one recording at a time.
        chunk_bytes: of every chunk.
        window: chunks in flight per connection in a closed loop.
        rate: chunks a second of all connections together, at scheduled times (open loop).
        per_session: chunks of a recording before the connection starts the next one.
        limit: chunks that a connection sends at most; None: until the time is over.
        warm_s: seconds before measuring begins.
        measure_s: seconds of measuring, or fewer when every connection has reached its limit.
    """

    url: str
    dialect: Dialect
    token: str | None = None
    connections: int = 100
    chunk_bytes: int = 100_000
    window: int = 1
    rate: float | None = None
    per_session: int = 120
    limit: int | None = None
    warm_s: float = 1.0
    measure_s: float = 3.0


class Ready(msgspec.Struct, frozen=True):
    """All connections are there and their recordings have begun."""

    connections: int
    took_s: float


class Began(msgspec.Struct, frozen=True):
    """The load begins, at this time of the system's monotonic clock in seconds."""

    at: float


class Outcome(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        measured: chunks acknowledged while measuring; in an open loop, due while measuring.
        seconds: how long measuring took.
        sent: chunks sent, warm-up included.
        acked: chunks acknowledged, warm-up included.
        errors: refusals, and recordings that were not ready when a chunk was due.
        last_error: the last of them in words.
        ended: connections that the server ended.
        quantiles_ms: latency by share of the chunks measured; in an open loop it counts from the
            scheduled time.
        progress: (monotonic seconds, chunks acknowledged so far), fifty times a second.
    """

    measured: int
    seconds: float
    sent: int
    acked: int
    errors: int
    last_error: str
    ended: int
    quantiles_ms: dict[str, float]
    progress: list[tuple[float, int]]

    @property
    def lost(self) -> int:
        """Chunks that were sent and not acknowledged, nor refused."""
        return self.sent - self.acked - self.errors
