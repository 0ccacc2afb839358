"""What the command and its worker processes tell each other: one JSON object a line."""

import msgspec

from scribe_server.loadtest.plan import Plan
from scribe_server.protocol import Receipt


class Behaviour(msgspec.Struct, frozen=True):
    """What simulated recorders do besides sending.

    Attributes:
        cuts: how often each connection is cut during the load.
        replay_every: each n-th chunk is sent a second time; 0: none is.
        herd: how many connections of all are cut at the same moment.
        deaf: every second session ignores window and can-accept, as a client that knows neither.
    """

    cuts: int = 0
    replay_every: int = 0
    herd: int = 0
    deaf: bool = False


class Job(msgspec.Struct, frozen=True):
    """One worker's part: the sessions `first`, `first` + `step`, … of the plan."""

    url: str
    token: str | None
    user_id: str | None
    plan: Plan
    behaviour: Behaviour
    variants: list[str]
    first: int
    step: int
    connects_per_s: float
    drain_s: float
    receipts: bool = True


class Go(msgspec.Struct, frozen=True):
    """Begin the load at this moment of the monotonic clock, s."""

    at: float


class Counts(msgspec.Struct):
    """What a worker counts while it runs. `held` is how many sessions are told to hold now."""

    recorded: int = 0
    acked: int = 0
    acked_bytes: int = 0
    held: int = 0
    told_to_hold: int = 0
    held_s: float = 0.0
    sent_again: int = 0
    acked_as_duplicates: int = 0
    stored_twice: int = 0
    connections: int = 0
    cut: int = 0
    lost_connections: int = 0
    failed_attempts: int = 0
    errors: dict[str, int] = {}

    def error(self, code: str) -> None:
        """Count a refusal or a broken promise by its code."""
        self.errors[code] = self.errors.get(code, 0) + 1


class SessionResult(msgspec.Struct, frozen=True):
    """How one session ended: chunks recorded, sequences without an ack, the receipt."""

    index: int
    recorded: int
    unacked: list[int]
    asked_for_receipt: bool
    receipt: Receipt | None


class HerdTimes(msgspec.Struct):
    """When each connection of the herd was back and when its next chunk was acked, s.

    `to_send` is how many of them had chunks left to send.
    """

    cut_at: float | None = None
    size: int = 0
    to_send: int = 0
    connected_at: list[float] = []
    sending_at: list[float] = []


class Connected(msgspec.Struct, frozen=True, tag=True):
    """From a worker: all its sessions are started."""

    sessions: int


class Progress(msgspec.Struct, frozen=True, tag=True):
    """From a worker, twice a second. `recent_ms` are the latencies since the last time."""

    counts: Counts
    recent_ms: list[float]
    phase: str


class Drained(msgspec.Struct, frozen=True, tag=True):
    """From a worker: nothing is due and nothing waits for an ack any more."""


class Result(msgspec.Struct, frozen=True, tag=True):
    """From a worker, at the end. `latencies` and `slips` are doubles in the machine's order, ms.

    `first_due` and `last_ack` are moments of the monotonic clock, s; `cpu_s` is of the load alone.
    """

    counts: Counts
    latencies: bytes
    slips: bytes
    sessions: list[SessionResult]
    herd: HerdTimes
    first_due: float | None
    last_ack: float | None
    cpu_s: float


class Failed(msgspec.Struct, frozen=True, tag=True):
    """From a worker: it cannot go on."""

    message: str


FromWorker = Connected | Progress | Drained | Result | Failed
