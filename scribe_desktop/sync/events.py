"""The words of the machine: its facts, the events that change them, the commands that follow."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

Key = tuple[str, int]
"""A chunk: session id and sequence."""

DEFAULT_HOLD_MS: Final = 1_000
LEAST_HOLD_MS: Final = 50
"""A server's wish for a shorter pause is not granted; each hold that follows another without an ack
doubles it, up to ten seconds."""
MOST_PATIENT_HOLD_MS: Final = 10_000
LONGEST_PAUSE_MS: Final = 60_000
"""Nor is a wish for a longer one."""
LARGEST_WINDOW: Final = 64
"""Chunks in flight at most, whatever a server allows: they are all in memory."""


class Link(Enum):
    """The connection to the server."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the machine knows.

    Attributes:
        enabled: there is a server to send to and nobody paused it.
        link: the connection.
        open: the server takes chunks.
        probing: one chunk may try whether a hold is over.
        window: how many chunks may be in flight.
        in_flight: sent and not yet answered on this connection.
        deferred: refused for now; each has a timer.
        pending: chunks that the server does not have, as the spool counts them.
        blocked: the code of a refusal that only a person (or a retry) can lift.
        passing: the block is lifted by the next attempt to connect.
        holds: how often the server has said "not now" since its last ack.
    """

    enabled: bool = False
    link: Link = Link.DOWN
    open: bool = False
    probing: bool = False
    window: int = 0
    in_flight: frozenset[Key] = frozenset()
    deferred: frozenset[Key] = frozenset()
    pending: int = 0
    blocked: str = ""
    passing: bool = False
    holds: int = 0


# ------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Enabled:
    """There is somebody to send to, or there is not any more."""

    on: bool


@dataclass(frozen=True, slots=True)
class RetryDue:
    """The pause after a failed attempt is over."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The server has welcomed us."""

    window: int
    can_accept: bool


@dataclass(frozen=True, slots=True)
class Unlinked:
    """The connection was lost or could not be made."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing can be sent: the server or the spool refused (`passing`: try again later)."""

    code: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """The reason for a block may be gone."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The spool was counted."""

    pending: int


@dataclass(frozen=True, slots=True)
class Sent:
    """These chunks were handed to the connection."""

    keys: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Acked:
    """The ack of a chunk is committed in the spool."""

    key: Key
    can_accept: bool
    window: int


@dataclass(frozen=True, slots=True)
class Released:
    """These chunks are not awaited any more: refused for good, or their session is set aside."""

    keys: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Deferred:
    """A chunk was refused for now."""

    key: Key
    retry_after_ms: int


@dataclass(frozen=True, slots=True)
class DeferralDue:
    """A deferred chunk may be sent again."""

    key: Key


@dataclass(frozen=True, slots=True)
class Flow:
    """The server takes chunks, or takes none for now."""

    can_accept: bool
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ProbeDue:
    """A hold has lasted long enough to ask whether it still stands."""


Event = (
    Enabled
    | RetryDue
    | Linked
    | Unlinked
    | Blocked
    | Cleared
    | Counted
    | Sent
    | Acked
    | Released
    | Deferred
    | DeferralDue
    | Flow
    | ProbeDue
)

# ----------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Connect:
    """Begin an attempt to connect."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Give the connection up."""


@dataclass(frozen=True, slots=True)
class ArmRetry:
    """Let RetryDue come after a back-off."""


@dataclass(frozen=True, slots=True)
class ArmProbe:
    """Let ProbeDue come after so many milliseconds; replaces an earlier one."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class ArmDeferral:
    """Let DeferralDue come for a chunk after so many milliseconds."""

    key: Key
    after_ms: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send up to so many chunks that are neither in flight nor deferred."""

    slots: int


Command = Connect | Disconnect | ArmRetry | ArmProbe | ArmDeferral | Send
