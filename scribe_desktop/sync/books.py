"""Comparing our books with the server's at every connect, so that a loss heals by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final
from urllib.parse import urlsplit

from scribe_desktop.errors import ScribeError
from scribe_desktop.model import LOST_ON_SERVER, Chunk, Session, StoredReceipt
from scribe_desktop.sync.identity import Identity
from scribe_desktop.sync.reasons import BAD_MESSAGE
from scribe_desktop.sync.talk import Talk
from scribe_desktop.sync.target import ServerTarget
from scribe_server import protocol
from scribe_server.protocol import (
    RESEND_STATUSES,
    ErrorCode,
    Event,
    Range,
    SessionStatus,
    StoredChunk,
    SyncCheckSession,
    SyncStateSession,
)

ListChunks = Callable[[str], Awaitable[list[StoredChunk]]]
ANSWER_S: Final = 60.0


class Books:
    """`sync-check` over sessions whose audio is here, or was until this server signed.

    All of them at a connect, single ones on demand.
    """

    def __init__(self, talk: Talk, list_chunks: ListChunks) -> None:
        self._talk = talk
        self._list_chunks = list_chunks
        self._have: dict[str, list[Range]] = {}
        self._without_audio: set[str] = set()
        self._lost: set[str] = set()
        self._answered = asyncio.Event()
        self._to_compare: list[str] = []
        self._matching: set[str] = set()
        self._asking = asyncio.Lock()

    async def check(self) -> None:
        """Ask about every session, and send again what the server turns out to lack."""
        await self._ask(self._comparable())

    async def confirm(self, session_ids: Collection[str]) -> frozenset[str]:
        """Ask about these sessions now, and heal what does not match.

        Returns:
            Those of which the server has every chunk that counts as acked, with the same bytes.

        Raises:
            TimeoutError: it did not answer.
        """
        comparable = [each for each in self._comparable() if each in session_ids]
        await self._ask(comparable)
        return frozenset(self._matching.intersection(comparable))

    def _comparable(self) -> list[str]:
        return [
            session.session_id
            for session in self._talk.spool.sessions()
            if session.chunks and self._concerns(session)
        ]

    async def _ask(self, sessions: list[str]) -> None:
        async with self._asking:
            self._matching.difference_update(sessions)
            size = protocol.MAX_SYNC_CHECK_SESSIONS
            for first in range(0, len(sessions), size):
                await self._check(sessions[first : first + size])
            wrong, self._to_compare = self._to_compare, []
            for session_id in wrong:
                await self._compare(session_id)

    def on_state(self, state: protocol.SyncState) -> None:
        """Take in the server's books."""
        for theirs in state.sessions:
            if (have := self._have.pop(theirs.session_id, None)) is not None:
                self._take_in(theirs, have)
        if state.sessions:
            self._answered.set()

    def _concerns(self, session: Session) -> bool:
        """Whether this server can heal or must have it."""
        if session.refused_code == LOST_ON_SERVER:
            self._lost.add(session.session_id)
            return True
        if session.refused_code:
            return False
        if session.audio_deleted_at is None:
            return True
        receipt = self._talk.spool.receipt(session.session_id)
        if receipt is None or not is_from(receipt, self._talk.target, self._talk.identity):
            return False
        self._without_audio.add(session.session_id)
        return True

    async def _check(self, session_ids: list[str]) -> None:
        asked: list[SyncCheckSession] = []
        for session_id in session_ids:
            have, digest = self._talk.spool.acked_books(session_id)
            self._have[session_id] = have
            asked.append(SyncCheckSession(session_id, have, digest))
            # A session may have thousands of rows: let acks pass in between.
            await asyncio.sleep(0)
        self._answered.clear()
        self._talk.send(Event.SYNC_CHECK, protocol.SyncCheck(asked))
        async with asyncio.timeout(ANSWER_S):
            await self._answered.wait()

    def _take_in(self, theirs: SyncStateSession, have: list[Range]) -> None:
        gone = theirs.session_id in self._without_audio
        if theirs.session_id in self._lost:
            if theirs.stored:
                self._to_compare.append(theirs.session_id)
        elif theirs.status is SessionStatus.DELETED:
            if gone:
                return  # A person has deleted it there, and nothing is left here to be said of.
            self._talk.refuse_session(theirs.session_id, ErrorCode.SESSION_CLOSED)
        elif self._is_held(theirs):
            self._matching.add(theirs.session_id)
        elif theirs.status in RESEND_STATUSES:
            lacking = subtract(have, theirs.stored)
            if lacking:
                self._talk.requeue(theirs.session_id, lacking)
            # What is missing may not be all: what both have may differ, too.
            if subtract(have, lacking) and not (lacking and gone):
                self._to_compare.append(theirs.session_id)

    def _is_held(self, theirs: SyncStateSession) -> bool:
        """Whether they have what counts as acked; the receipt tells it of what is archived."""
        if theirs.match or theirs.receipt_digest is None or theirs.status in RESEND_STATUSES:
            return theirs.match
        manifest = self._talk.spool.manifest(theirs.session_id)
        return theirs.receipt_digest == protocol.manifest_digest(manifest)

    async def _compare(self, session_id: str) -> None:
        try:
            theirs = await self._list_chunks(session_id)
        except ScribeError:
            # The next connect compares again.
            self._talk.note(BAD_MESSAGE)
            return
        ours = self._talk.spool.chunks(session_id)
        if session_id in self._lost:
            self._talk.find_again(ours, theirs)
        else:
            self._talk.requeue(session_id, protocol.to_ranges(differing(ours, theirs)))


def is_from(receipt: StoredReceipt, target: ServerTarget, identity: Identity) -> bool:
    """Whether the server that is talked to has signed it, or has taken the place of who did.

    The bundled server has another port at each start.
    """
    if receipt.server_id == identity.server_id or receipt.origin == target.origin:
        return True
    hosts = {urlsplit(origin).hostname for origin in (receipt.origin, target.origin)}
    return target.local and len(hosts) == 1


def subtract(have: Iterable[Range], stored: Iterable[Range]) -> list[Range]:
    """The inclusive pairs of `have` that `stored` (both ascending) leaves out."""
    lacking: list[Range] = []
    theirs = list(stored)
    for first, last in have:
        following = first
        for begin, end in theirs:
            if end < following:
                continue
            if begin > last:
                break
            if begin > following:
                lacking.append((following, begin - 1))
            following = max(following, end + 1)
        if following <= last:
            lacking.append((following, last))
    return lacking


def differing(ours: Iterable[Chunk], theirs: Iterable[StoredChunk]) -> list[int]:
    """The sequences that count as acked and that the server lacks, or has with other bytes."""
    stored = {chunk.sequence: chunk.sha256 for chunk in theirs if chunk.state == "stored"}
    return [
        chunk.sequence
        for chunk in ours
        if chunk.acked_at is not None and stored.get(chunk.sequence) != chunk.sha256
    ]
