"""What the parts of one connection's conversation share."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from scribe_desktop.model import LOST_ON_SERVER, Chunk
from scribe_desktop.spool import Spool
from scribe_desktop.sync.complaints import Complaints
from scribe_desktop.sync.events import Counted, Event, Facts, Released
from scribe_desktop.sync.identity import Identity
from scribe_desktop.sync.target import ServerTarget
from scribe_server import protocol
from scribe_server.protocol import Payload, StoredChunk

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Talk:
    """One connection: how to speak, what to tell the machine, whom to notify.

    Attributes:
        send: queue an event to the server.
        apply: tell the machine; always after the durable effect.
        facts: what the machine knows now.
        changed: a session's acks, receipt or refusal changed.
        note: something went wrong that does not stop sending.
        later: call back after so many seconds, unless the connection has ended.
        clock: milliseconds since 1970 UTC.
        now_s: monotonic time in seconds.
        new_id: makes the id of a copied session.
        complaints: where a server's nonsense is noted.
        set_aside: sessions that are not sent on this connection any more, or not for now.
        answers: how many answers have come, for the watchdog.
    """

    spool: Spool
    target: ServerTarget
    identity: Identity
    send: Callable[[protocol.Event, Payload], None]
    apply: Callable[[Event], None]
    facts: Callable[[], Facts]
    changed: Callable[[str], None]
    note: Callable[[str], None]
    later: Callable[[float, Callable[[], None]], None]
    clock: Callable[[], int]
    now_s: Callable[[], float]
    new_id: Callable[[], str]
    complaints: Complaints
    set_aside: set[str] = field(default_factory=set)
    answers: int = 0

    def count(self) -> None:
        """Tell the machine how much waits."""
        self.apply(Counted(self.spool.pending()))

    def release_session(self, session_id: str) -> None:
        """Await nothing of a session any more."""
        keys = self.facts().in_flight | self.facts().deferred
        self.apply(Released(frozenset(key for key in keys if key[0] == session_id)))

    def put_aside_for(self, session_id: str, seconds: float) -> None:
        """Send nothing of a session for a while."""
        self.set_aside.add(session_id)
        self.release_session(session_id)
        self.later(seconds, lambda: self._take_back(session_id))

    def refuse_session(self, session_id: str, code: str) -> None:
        """The server will not have the session: keep that, and stop awaiting it."""
        if self.spool.session(session_id) is None:
            self.complaints.add("a refusal of a session that is not here", session_id)
            return
        self.spool.refuse_session(session_id, code)
        self.release_session(session_id)
        self.count()
        self.changed(session_id)

    def requeue(self, session_id: str, ranges: list[tuple[int, int]]) -> int:
        """Send again what the server lacks; how many chunks that is.

        What is not here any more either is lost: the session says so from then on.
        """
        session = self.spool.session(session_id)
        if session is None:
            return 0
        waiting = self.spool.requeue(session_id, ranges)
        if waiting and session.audio_deleted_at is not None:
            log.warning("the server has lost %d parts of %s that it had signed for; the audio was "
                      "deleted here", waiting, session_id)  # fmt: skip
            self.refuse_session(session_id, LOST_ON_SERVER)
            self.note(LOST_ON_SERVER)
            return 0
        if waiting:
            self.changed(session_id)
        self.count()
        return waiting

    def find_again(self, ours: Sequence[Chunk], theirs: Iterable[StoredChunk]) -> None:
        """Take a session that was lost for delivered when the server has all of it after all."""
        stored = {chunk.sequence: chunk.sha256 for chunk in theirs if chunk.state == "stored"}
        if any(stored.get(chunk.sequence) != chunk.sha256 for chunk in ours):
            return
        for chunk in ours:
            self.spool.mark_acked(
                chunk.session_id, chunk.sequence, sha256=chunk.sha256, acked_at=self.clock()
            )
        self.spool.refuse_session(ours[0].session_id, None)
        self.count()
        self.changed(ours[0].session_id)

    def _take_back(self, session_id: str) -> None:
        self.set_aside.discard(session_id)
        self.count()
