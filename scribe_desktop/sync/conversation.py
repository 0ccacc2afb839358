"""One connection's talk with the server, from its welcome to its end."""

from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

import msgspec

from scribe_desktop.sync.books import Books, ListChunks
from scribe_desktop.sync.events import Blocked, Flow, Key
from scribe_desktop.sync.forks import fork_conflicts
from scribe_desktop.sync.reasons import SIGN_IN_CODES
from scribe_desktop.sync.sending import Sending
from scribe_desktop.sync.starts import Starts
from scribe_desktop.sync.stops import Stops, unsent
from scribe_desktop.sync.talk import Talk
from scribe_server import protocol
from scribe_server.protocol import BackpressureReason, ErrorCode, Event

P = TypeVar("P", bound=msgspec.Struct)
Handler = Callable[[Any], None]

NOTHING_TO_CHECK: Final = protocol.SyncCheck([])
"""A question that costs the server nothing; its answer shows that it lives."""


class Conversation:
    """Turns the server's events into durable notes, and the machine's wishes into messages."""

    def __init__(self, talk: Talk, list_chunks: ListChunks) -> None:
        self._talk = talk
        self._starts = Starts(talk)
        self._sending = Sending(talk, self._starts)
        self._stops = Stops(talk)
        self._books = Books(talk, list_chunks)
        self._handlers: dict[str, Handler] = {
            Event.CHUNK_ACK: _parsed(protocol.ChunkAck, self._on_ack),
            Event.CHUNK_ERROR: _parsed(protocol.ChunkError, self._on_chunk_error),
            Event.SESSION_STARTED: _parsed(protocol.SessionStarted, self._starts.on_started),
            Event.SESSION_ERROR: _parsed(protocol.SessionError, self._on_session_error),
            Event.SESSION_INCOMPLETE: _parsed(
                protocol.SessionIncomplete, self._stops.on_incomplete
            ),
            Event.SESSION_RECEIPT: _parsed(protocol.Receipt, self._stops.on_receipt),
            Event.SYNC_STATE: _parsed(protocol.SyncState, self._books.on_state),
            Event.BACKPRESSURE: _parsed(protocol.Backpressure, self._on_backpressure),
        }

    @property
    def is_answer_due(self) -> bool:
        """Whether the server owes an answer that it gives without long work."""
        return bool(self._talk.facts().in_flight or self._starts.waiting)

    @property
    def is_busy(self) -> bool:
        """Whether anything is on its way that a short wait may finish."""
        return self.is_answer_due or self._stops.waiting > 0

    @property
    def answers(self) -> int:
        """How many answers have come."""
        return self._talk.answers

    @property
    def last_ack_at(self) -> int | None:
        """When the last ack was kept (ms), if one was."""
        return self._sending.last_ack_at

    async def check_books(self) -> None:
        """Compare the books, then ask for the receipts that are due."""
        fork_conflicts(self._talk)
        await self._books.check()
        self._stops.ask()

    async def confirm(self, session_ids: Collection[str]) -> frozenset[str]:
        """Ask now which of these sessions the server holds; see Books.confirm."""
        return await self._books.confirm(session_ids)

    def handle(self, name: str, data: object) -> None:
        """Take in an event; events that we do not know are for other clients.

        Raises:
            msgspec.ValidationError: it is not of the documented form.
            SpoolError: it could not be noted; then nothing counts as delivered.
        """
        handler = self._handlers.get(name)
        if handler is not None:
            if name != Event.BACKPRESSURE:
                self._talk.answers += 1
            handler(data)

    def fill(self, slots: int) -> frozenset[Key]:
        """Send up to `slots` chunks; which ones were sent."""
        return self._sending.fill(slots)

    def woken(self) -> None:
        """Something is new in the spool, or it is time for a look."""
        fork_conflicts(self._talk)
        self._starts.hint_pauses()
        self._stops.ask()

    def ask_for_life(self) -> None:
        """Send the small question that a living server answers at once."""
        self._talk.send(Event.SYNC_CHECK, NOTHING_TO_CHECK)

    def _on_ack(self, ack: protocol.ChunkAck) -> None:
        if not self._sending.on_ack(ack):
            return
        session = self._talk.spool.session(ack.session_id)
        if session is not None and session.ended_at is not None and not unsent(session):
            self._stops.ask()

    def _on_chunk_error(self, error: protocol.ChunkError) -> None:
        self._sending.on_error(error)
        fork_conflicts(self._talk)

    def _on_session_error(self, error: protocol.SessionError) -> None:
        if error.session_id is None:
            if error.code in SIGN_IN_CODES:
                self._talk.apply(Blocked(error.code))
            else:
                self._talk.note(error.code)
        elif self._stops.is_waiting_for(error.session_id):
            self._stops.on_refused(error.session_id, error.code)
        else:
            self._starts.on_refused(error.session_id, error.code)
        fork_conflicts(self._talk)

    def _on_backpressure(self, pressure: protocol.Backpressure) -> None:
        if pressure.reason is BackpressureReason.DISK:
            self._talk.note(ErrorCode.STORAGE_FULL)
        self._talk.apply(Flow(pressure.can_accept, pressure.retry_after_ms))


def _parsed(kind: type[P], handler: Callable[[P], None]) -> Handler:
    def handle(data: object) -> None:
        handler(protocol.parse(data, kind))

    return handle
