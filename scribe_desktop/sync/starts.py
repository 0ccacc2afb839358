"""Beginning a session on a connection, and what the server says of a session then."""

from typing import Final

from scribe_desktop.model import Session
from scribe_desktop.sync.events import Blocked
from scribe_desktop.sync.reasons import SIGN_IN_CODES
from scribe_desktop.sync.talk import Talk
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event, SessionStatus

RETRY_S: Final = 5.0
_HELD_ELSEWHERE: Final = frozenset({SessionStatus.ARCHIVED, SessionStatus.COLD})


class Starts:
    """Sends `start-session` once per session and connection, before its first chunk."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.waiting: set[str] = set()
        self._started: set[str] = set()
        self._paused: set[str] = set()

    def is_ready(self, session_id: str) -> bool:
        """Whether chunks of the session may go; asks the server to begin it if not."""
        if session_id in self._started:
            return True
        if session_id not in self.waiting:
            session = self._talk.spool.session(session_id)
            if session is not None:
                self.waiting.add(session_id)
                self._talk.send(Event.START_SESSION, start_of(session))
        return False

    def forget(self, session_id: str) -> None:
        """The server does not know the session (any more): begin it again before more chunks."""
        self._started.discard(session_id)

    def hint_pauses(self) -> None:
        """Tell the server which live sessions pause; a hint, never repeated."""
        for session in self._talk.spool.open_sessions():
            session_id, now = session.session_id, self._talk.clock()
            if session_id not in self._started:
                continue
            if session.paused and session_id not in self._paused:
                self._paused.add(session_id)
                self._talk.send(Event.PAUSE_SESSION, protocol.PauseSession(session_id, now))
            elif not session.paused and session_id in self._paused:
                self._paused.discard(session_id)
                self._talk.send(Event.RESUME_SESSION, protocol.ResumeSession(session_id, now))

    def on_started(self, started: protocol.SessionStarted) -> None:
        """Chunks may go now; what the server lacks of what it had acked goes again."""
        session_id = started.session_id
        self.waiting.discard(session_id)
        self._started.add(session_id)
        if started.status in _HELD_ELSEWHERE:
            self._talk.count()
            return
        beyond = (started.max_seq + 1, protocol.MAX_SEQUENCE)
        self._talk.requeue(session_id, [*started.missing_ranges, beyond])

    def on_refused(self, session_id: str, code: ErrorCode) -> None:
        """The session cannot begin: for good, on this connection, or for a while."""
        self.waiting.discard(session_id)
        if code in SIGN_IN_CODES:
            self._talk.apply(Blocked(code))
        elif code is ErrorCode.SUPERSEDED:
            self._talk.set_aside.add(session_id)
            self._talk.release_session(session_id)
            self._talk.note(code)
        elif protocol.ERRORS[code].retryable:
            self._talk.note(code)
            self._talk.put_aside_for(session_id, RETRY_S)
        else:
            self._talk.refuse_session(session_id, code)


def start_of(session: Session) -> protocol.StartSession:
    """The `start-session` of a session."""
    return protocol.StartSession(
        session_id=session.session_id,
        title=session.title[:1000],
        source=session.source,
        started_at=session.started_at,
        timezone=session.timezone,
        sample_rate=protocol.SAMPLE_RATE,
        channels=session.channels,
        codec="opus",
        chunk_ms=protocol.CHUNK_MS,
        device=session.device[:1000],
        forked_from=session.forked_from,
    )
