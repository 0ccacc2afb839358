"""Ending sessions: the manifest goes out until a receipt that holds is here."""

from typing import Final

from scribe_desktop.errors import RefusedError
from scribe_desktop.model import Session, StoredReceipt
from scribe_desktop.spool.proof import check_signature, receipt_text
from scribe_desktop.sync.events import Blocked
from scribe_desktop.sync.reasons import (
    DAMAGED,
    IDENTITY_CHANGED,
    RECEIPT_INVALID,
    SESSION_CODES,
)
from scribe_desktop.sync.talk import Talk
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event

AT_ONCE: Final = 2
"""The server hashes the stored bytes of so many sessions at a time."""
PATIENCE_S: Final = 60.0
RETRY_S: Final = 5.0
_REPAIRS: Final = 3
"""Times that a server may name as missing only what it has named before."""


class Stops:
    """Asks for the receipts of sessions that are delivered, a few at a time."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._asked: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._repairs: dict[str, int] = {}
        self._named: dict[str, set[int]] = {}
        self._given_up: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many receipts were asked for and have not been answered."""
        return len(self._asked)

    def ask(self) -> None:
        """Send the manifests of delivered sessions that have no receipt."""
        # Not the wall clock: its jumps must neither silence the manifest nor repeat it.
        now_s = self._talk.now_s()
        self._asked = {s: at for s, at in self._asked.items() if now_s - at < PATIENCE_S}
        if len(self._asked) >= AT_ONCE:
            return
        for session in self._talk.spool.sessions_to_settle():
            if len(self._asked) >= AT_ONCE:
                return
            if self._is_due(session, now_s):
                self._ask_for(session.session_id, now_s)

    def on_incomplete(self, incomplete: protocol.SessionIncomplete) -> None:
        """Send what the server lacks again; the manifest follows when that is acked."""
        self._asked.pop(incomplete.session_id, None)
        self._repair(incomplete.session_id, incomplete.missing_ranges)

    def on_receipt(self, receipt: protocol.Receipt) -> None:
        """Keep a receipt that holds; anything else is reported loudly and not kept."""
        session_id = receipt.session_id
        self._asked.pop(session_id, None)
        session = self._talk.spool.session(session_id)
        if session is None or session.has_receipt or unsent(session):
            return
        identity = self._talk.identity
        if (receipt.server_id, receipt.key_id) != (identity.server_id, identity.key_id):
            self._talk.apply(Blocked(IDENTITY_CHANGED))
            return
        if not self._holds(receipt, session):
            self._given_up.add(session_id)
            self._talk.apply(Blocked(RECEIPT_INVALID))
            return
        self._talk.spool.save_receipt(
            StoredReceipt(
                session_id=session_id,
                receipt_json=receipt_text(receipt),
                public_key=identity.public_key,
                server_id=identity.server_id,
                origin=self._talk.target.origin,
                received_at=self._talk.clock(),
            )
        )
        self._talk.changed(session_id)
        self.ask()

    def on_refused(self, session_id: str, code: ErrorCode) -> None:
        """The server does not end the session: for good, or not now."""
        self._asked.pop(session_id, None)
        if code in SESSION_CODES:
            self._talk.refuse_session(session_id, code)
        elif protocol.ERRORS[code].retryable:
            self._not_before[session_id] = self._talk.now_s() + RETRY_S
        elif code is ErrorCode.NOT_FOUND:
            # It lost the session; we may have asked before the books were compared.
            self._repair(session_id, [(0, protocol.MAX_SEQUENCE)])
        else:
            self._given_up.add(session_id)
            self._talk.note(code)

    def is_waiting_for(self, session_id: str) -> bool:
        """Whether an answer about the session's end is awaited."""
        return session_id in self._asked

    def _repair(self, session_id: str, ranges: list[protocol.Range]) -> None:
        repairs = 0 if self._is_news(session_id, ranges) else self._repairs.get(session_id, 0) + 1
        self._repairs[session_id] = repairs
        self._talk.requeue(session_id, ranges)
        session = self._talk.spool.session(session_id)
        if session is None or not unsent(session) or repairs >= _REPAIRS:
            # What it lacks cannot be sent (damaged here), or it never has enough.
            self._given_up.add(session_id)

    def _ask_for(self, session_id: str, now_s: float) -> None:
        manifest = self._talk.spool.manifest(session_id)
        if has_holes(manifest):
            # A receipt for what is left would say that nothing is missing.
            self._talk.send(Event.STOP_SESSION, protocol.StopSession(session_id))
            self._talk.refuse_session(session_id, DAMAGED)
            self._talk.note(DAMAGED)
            return
        self._asked[session_id] = now_s
        self._talk.send(Event.STOP_SESSION, protocol.StopSession(session_id, manifest=manifest))

    def _is_news(self, session_id: str, ranges: list[protocol.Range]) -> bool:
        """Whether the server names a chunk of ours that it has not named on this connection.

        A scrubber that finds much damage tells it piece by piece: that is progress.
        """
        chunks = self._talk.spool.chunks(session_id)
        ours = {
            chunk.sequence
            for chunk in chunks
            for first, last in ranges
            if first <= chunk.sequence <= last
        }
        named = self._named.setdefault(session_id, set())
        news = not ours <= named
        named |= ours
        return news

    def _is_due(self, session: Session, now_s: float) -> bool:
        return (
            session.session_id not in self._asked
            and session.session_id not in self._given_up
            and session.session_id not in self._talk.set_aside
            and self._not_before.get(session.session_id, now_s) <= now_s
            and not unsent(session)
        )

    def _holds(self, receipt: protocol.Receipt, session: Session) -> bool:
        manifest = self._talk.spool.manifest(session.session_id)
        try:
            check_signature(receipt, self._talk.identity.public_key)
        except RefusedError:
            return False
        return (
            receipt.digest,
            receipt.chunks,
            receipt.total_samples,
            receipt.bytes,
        ) == (
            protocol.manifest_digest(manifest),
            len(manifest.chunks),
            manifest.total_samples,
            session.bytes,
        )


def has_holes(manifest: protocol.Manifest) -> bool:
    """Whether parts are missing in it: their numbers, or their samples, do not follow."""
    following = 0
    for number, chunk in enumerate(manifest.chunks):
        if (chunk.sequence, chunk.first_sample) != (number, following):
            return True
        following += chunk.samples
    return False


def unsent(session: Session) -> int:
    """How many of the session's chunks still wait for an ack."""
    return session.chunks - session.acked_chunks - session.refused_chunks
