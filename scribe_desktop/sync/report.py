"""What the engine says of itself: the status, and the error that it shows."""

from collections.abc import Callable

from scribe_desktop.model import SyncStatus
from scribe_desktop.sync.events import Facts, Link
from scribe_desktop.sync.machine import derived_state
from scribe_desktop.sync.reasons import HOLD_CODES, sentence
from scribe_desktop.sync.target import ServerTarget


class Report:
    """Collects the facts of a status and publishes each new one once."""

    target: ServerTarget | None = None
    awaiting_receipt: int = 0
    retry_at: int | None = None
    last_ack_at: int | None = None

    def __init__(self, on_status: Callable[[SyncStatus], None]) -> None:
        self._on_status = on_status
        self._code = ""
        self._text = ""
        self.status = SyncStatus()

    def error(self, code: str, text: str = "") -> None:
        """Show an error from now on; without a text, the sentence of the code."""
        self._code, self._text = code, text or sentence(code)

    def no_error(self) -> None:
        """The error is over."""
        self._code = self._text = ""

    def no_hold(self) -> None:
        """The server takes chunks again: when its refusal was the error, that is over."""
        if self._code in HOLD_CODES:
            self.no_error()

    def publish(self, facts: Facts) -> None:
        """Tell the listener when something changed."""
        if facts.blocked and facts.blocked != self._code:
            self.error(facts.blocked)
        target = self.target
        status = SyncStatus(
            state=derived_state(facts),
            server="" if target is None else target.origin,
            local=target is None or target.local,
            pending=facts.pending,
            in_flight=len(facts.in_flight),
            awaiting_receipt=self.awaiting_receipt,
            error_code=self._code,
            error=self._text,
            retry_at=self.retry_at if facts.link is Link.DOWN else None,
            last_ack_at=self.last_ack_at,
        )
        if status != self.status:
            self.status = status
            self._on_status(status)
