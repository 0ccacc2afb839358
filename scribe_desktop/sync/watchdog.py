"""When to cut a connection that has gone silent (pure).

It counts silence, not slowness. A stock client needs 17 to 30 s to notice an 8 s black hole.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

ASK_S: Final = 1.0
SILENCE_S: Final = 3.0
SLOW_S: Final = 60.0
MOVED_BYTES: Final = 1_024
"""The send queue moves when so much left it: our own small questions must not count."""
STALL_S: Final = 1.0
"""A longer pause between two looks is our own (sleep, SIGSTOP): the peer is not to blame."""


class Verdict(Enum):
    """What to do after a look at the connection."""

    FINE = "fine"
    ASK = "ask"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Look:
    """The facts of one look.

    Attributes:
        now_s: monotonic time.
        received: all bytes received so far.
        confirmed: all bytes that have left the send queue so far.
        answers: grows with every ack, refusal or answer.
        due: an answer is owed.
        held: the server said that it takes no chunks now, so no ack is awaited.
    """

    now_s: float
    received: int
    confirmed: int
    answers: int
    due: bool
    held: bool


class Watchdog:
    """Cuts after 3 s of silence, and after 60 s in which a reachable server answered nothing."""

    def __init__(self) -> None:
        self._last: Look | None = None
        self._silent_since = 0.0
        self._confirmed = 0
        self._unanswered_since = 0.0
        self._asked_at = 0.0

    def look(self, look: Look) -> Verdict:
        """Judge; ASK wants a small question sent, so that a slow server can show that it lives."""
        last, self._last = self._last, look
        if last is None:
            self._hear(look)
            self._unanswered_since = look.now_s
            return Verdict.FINE
        self._forgive_own_stall(look.now_s - last.now_s)
        moved = look.confirmed - self._confirmed >= MOVED_BYTES
        if not look.due or look.held or look.received != last.received or moved:
            self._hear(look)
        if not look.due or look.answers != last.answers:
            self._unanswered_since = look.now_s
        return self._verdict(look.now_s)

    def _hear(self, look: Look) -> None:
        self._silent_since = look.now_s
        self._confirmed = look.confirmed

    def _forgive_own_stall(self, passed_s: float) -> None:
        if passed_s > STALL_S:
            self._silent_since += passed_s
            self._unanswered_since += passed_s

    def _verdict(self, now_s: float) -> Verdict:
        silent_s = now_s - self._silent_since
        if silent_s >= SILENCE_S or now_s - self._unanswered_since >= SLOW_S:
            return Verdict.CUT
        if silent_s >= ASK_S and now_s - self._asked_at >= ASK_S:
            self._asked_at = now_s
            return Verdict.ASK
        return Verdict.FINE
