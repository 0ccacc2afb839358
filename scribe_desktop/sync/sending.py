"""Chunks out, acks and refusals in."""

from typing import Final

from scribe_desktop.model import Chunk
from scribe_desktop.spool import FailureKind, SpoolFailureError
from scribe_desktop.sync.events import Acked, Blocked, Deferred, Flow, Key, Released
from scribe_desktop.sync.reasons import (
    DAMAGED,
    HASH_MISMATCH,
    HOLD_CODES,
    SESSION_CODES,
    SIGN_IN_CODES,
)
from scribe_desktop.sync.starts import Starts
from scribe_desktop.sync.talk import Talk
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event

_FIRST_DEFERRAL_MS: Final = 1_000
_LONGEST_DEFERRAL_MS: Final = 60_000
_BAD_HERE: Final = frozenset({FailureKind.DAMAGED_CHUNK, FailureKind.NOT_FOUND})


class Sending:
    """Sends what the machine allows, and turns answers into durable notes."""

    def __init__(self, talk: Talk, starts: Starts) -> None:
        self._talk = talk
        self._starts = starts
        self._deferrals: dict[Key, int] = {}
        self._unanswered: set[Key] = set()
        self.last_ack_at: int | None = None

    def fill(self, slots: int) -> frozenset[Key]:
        """Send up to `slots` chunks that are not on their way; which ones were sent."""
        facts = self._talk.facts()
        chunks = self._talk.spool.next_unsent(
            slots,
            exclude=facts.in_flight | facts.deferred,
            skip_sessions=self._talk.set_aside,
        )
        return frozenset(
            (chunk.session_id, chunk.sequence)
            for chunk in chunks
            if self._starts.is_ready(chunk.session_id) and self._send(chunk)
        )

    def on_ack(self, ack: protocol.ChunkAck) -> bool:
        """Keep an ack, then tell the machine; False when it is not for what was sent."""
        key = (ack.session_id, ack.sequence)
        if key not in self._unanswered:
            self._talk.complaints.add("an ack for what was not sent", f"{key}")
            return False
        now = self._talk.clock()
        if self._talk.spool.mark_acked(*key, sha256=ack.sha256, acked_at=now):
            self.last_ack_at = now
            self._deferrals.pop(key, None)
            self._unanswered.discard(key)
            self._talk.count()
            self._talk.apply(Acked(key, ack.can_accept, ack.window))
            self._talk.changed(ack.session_id)
            return True
        if self._talk.spool.session(ack.session_id) is None:
            self._talk.apply(Released(frozenset({key})))
        else:
            self._talk.complaints.add("an ack for other bytes", f"{key}")
            self._talk.note(HASH_MISMATCH)
            self._defer(key, None)
        return False

    def on_error(self, error: protocol.ChunkError) -> None:
        """Act on a refusal: for the connection, the session, this chunk, or for now."""
        key, code = (error.session_id, error.sequence), error.code
        if key not in self._unanswered and code not in SIGN_IN_CODES:
            self._talk.complaints.add("a refusal of what was not sent", f"{key}")
            return
        if code in SIGN_IN_CODES:
            self._talk.apply(Blocked(code))
        elif code is ErrorCode.SUPERSEDED:
            self._starts.on_refused(error.session_id, code)
        elif code in SESSION_CODES and code is not ErrorCode.INVALID_PAYLOAD:
            self._talk.refuse_session(error.session_id, code)
        elif code is ErrorCode.NOT_FOUND:
            self._starts.forget(error.session_id)
            self._defer(key, error.retry_after_ms)
        elif not error.retryable:
            self._talk.spool.mark_refused(*key, code)
            self._talk.note(code)
            self._let_go(key)
        elif code in HOLD_CODES:
            if code is not ErrorCode.BUSY:  # which passes by itself
                self._talk.note(code)
            # The hold first: a chunk that is let go would else be sent again at once.
            self._talk.apply(Flow(can_accept=False, retry_after_ms=error.retry_after_ms))
            self._talk.apply(Released(frozenset({key})))
        else:
            self._defer(key, error.retry_after_ms)

    def _send(self, chunk: Chunk) -> bool:
        try:
            data = self._talk.spool.chunk_data(chunk.session_id, chunk.sequence)
        except SpoolFailureError as failure:
            if failure.kind not in _BAD_HERE:
                raise
            self._talk.spool.mark_refused(chunk.session_id, chunk.sequence, DAMAGED)
            self._talk.note(DAMAGED)
            self._let_go((chunk.session_id, chunk.sequence))
            return False
        self._unanswered.add((chunk.session_id, chunk.sequence))
        self._talk.send(Event.AUDIO_CHUNK, chunk_message(chunk, data))
        return True

    def _let_go(self, key: Key) -> None:
        self._talk.count()
        self._talk.apply(Released(frozenset({key})))
        self._talk.changed(key[0])

    def _defer(self, key: Key, retry_after_ms: int | None) -> None:
        own_ms = self._deferrals.get(key, _FIRST_DEFERRAL_MS)
        self._deferrals[key] = min(2 * own_ms, _LONGEST_DEFERRAL_MS)
        pause_ms = min(max(own_ms, retry_after_ms or 0), _LONGEST_DEFERRAL_MS)
        self._talk.apply(Deferred(key, pause_ms))


def chunk_message(chunk: Chunk, data: bytes) -> protocol.AudioChunk:
    """The `audio-chunk` of a chunk."""
    return protocol.AudioChunk(
        session_id=chunk.session_id,
        sequence=chunk.sequence,
        audio=data,
        timestamp=chunk.started_at,
        size=len(data),
        mime_type="audio/webm",
        duration_ms=chunk.samples * 1000 // protocol.SAMPLE_RATE,
        sha256=chunk.sha256,
        first_sample=chunk.first_sample,
        samples=chunk.samples,
    )
