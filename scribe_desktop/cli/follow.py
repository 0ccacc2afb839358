"""Following a recording to its end, and its parts to the receipt."""

import time
from contextlib import closing
from typing import Any, Final

from scribe_desktop.cli.host import Work
from scribe_desktop.cli.interrupts import Interrupts
from scribe_desktop.cli.screen import Show, clock_text, parts
from scribe_desktop.cli.shell import Shell
from scribe_desktop.errors import (
    AudioError,
    NotDeliveredError,
    RefusedError,
    ScribeError,
    SpoolError,
    UnreachableError,
)
from scribe_desktop.model import CaptureState, Session, SyncState
from scribe_desktop.spool import Spool

LOOK_EVERY_S: Final = 0.2
BLOCKED_S: Final = 20.0
"""A server that refuses this computer for so long is not waited for any longer."""


def follow_recording(
    work: Work, session_id: str, interrupts: Interrupts, show: Show
) -> dict[str, Any]:
    """Watch a recording until it ends; an interrupt ends it. The last status.

    When the instance that records dies, this process takes over, which recovers the recording.
    """
    while True:
        try:
            status = work.host.ask("status")
        except UnreachableError:
            work.take_over()
            return work.host.ask("status")
        capture = status["capture"]
        if capture["sessionId"] != session_id or capture["state"] == CaptureState.IDLE:
            return status
        words = f"{capture['state'].capitalize()} {clock_text(capture['samples'])}"
        show(f"{words} · {parts(status['sessionChunks'])} safe here", 0, 0)
        if interrupts.wait(LOOK_EVERY_S):
            interrupts.forget()
            work.host.ask("stop", sessionId=session_id)


def wait_for_receipt(
    shell: Shell,
    work: Work,
    session_id: str,
    *,
    timeout_s: float | None,
    interrupts: Interrupts,
    show: Show,
) -> None:
    """Wait until a session has its receipt.

    Raises:
        RefusedError: the server refuses it for good.
        NotDeliveredError: the time is over, a person interrupted, or a sign-in is needed.
    """
    patience = Patience(timeout_s)
    with closing(Spool.open_read_only(shell.spool_dir)) as spool:
        while not is_delivered(session := session_of(spool, session_id)):
            show("Sending", session.acked_chunks, session.chunks)
            words = patience.look(work)
            if words is None and interrupts.wait(LOOK_EVERY_S):
                words = "You interrupted the waiting"
            if words is not None:
                raise not_delivered(words, session.chunks - session.acked_chunks)


def wait_for_everything(
    shell: Shell,
    work: Work,
    *,
    timeout_s: float | None,
    interrupts: Interrupts,
    show: Show,
) -> None:
    """Wait until every part of every recording is on the server, with receipts.

    Raises:
        NotDeliveredError: the time is over, a person interrupted, or a sign-in is needed.
    """
    patience = Patience(timeout_s)
    with closing(Spool.open_read_only(shell.spool_dir)) as spool:
        most = spool.pending()
        while (pending := spool.pending()) or spool.sessions_awaiting_receipt():
            most = max(most, pending)
            show("Sending", most - pending, most)
            words = patience.look(work)
            if words is None and interrupts.wait(LOOK_EVERY_S):
                words = "You interrupted the waiting"
            if words is not None:
                raise not_delivered(words, pending)


class Patience:
    """How long waiting makes sense."""

    def __init__(self, timeout_s: float | None) -> None:
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._blocked_since: float | None = None
        self._last = ""

    def look(self, work: Work) -> str | None:
        """Why waiting ends now, or None. A running instance that has ended is replaced."""
        now = time.monotonic()
        if self._deadline is not None and now > self._deadline:
            return f"The time is over. {self._last}".strip()
        try:
            status = work.host.ask("status")
        except UnreachableError:
            work.take_over()
            return None
        words = self._blocked(status)
        self._last = words or str(status["sync"]["error"])
        if not words:
            self._blocked_since = None
            return None
        self._blocked_since = self._blocked_since or now
        return words if now - self._blocked_since > BLOCKED_S else None

    @staticmethod
    def _blocked(status: dict[str, Any]) -> str:
        sync = status["sync"]
        if sync["state"] == SyncState.ERROR:
            return str(sync["error"] or sync["errorCode"] or "The server refuses this computer")
        if not status["server"]:
            return "There is no server to send to"
        return str(status["serverFailure"])


def is_delivered(session: Session) -> bool:
    """Whether a session has its receipt.

    Raises:
        RefusedError: it never will.
        AudioError: there was nothing to record.
    """
    if session.refused_code or session.refused_chunks:
        code = session.refused_code or f"{parts(session.refused_chunks)} refused"
        raise RefusedError(
            "The server refused the recording",
            f"It will not take '{session.title}': {code}.",
            "The sound is kept on this computer and can be exported.",
        )
    if session.ended_at is not None and session.chunks == 0:
        raise AudioError("Nothing was recorded", "The recording holds no sound.")
    return session.has_receipt


def session_of(spool: Spool, session_id: str) -> Session:
    """A session that must be there."""
    session = spool.session(session_id)
    if session is None:
        raise SpoolError("The recording is gone", f"{session_id} was deleted.")
    return session


def not_delivered(words: str, unsent: int) -> ScribeError:
    """What a wait in vain ends with."""
    return NotDeliveredError(
        "Not delivered yet",
        f"{words.rstrip('.')}; {parts(unsent)} to send.",
        "Everything is safe on this computer; send it later with: scribe sync --once",
    )
