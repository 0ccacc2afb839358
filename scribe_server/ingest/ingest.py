"""Everything that writes sessions, as the socket handlers call it.

Answers are payloads and refusals are values; nothing here knows Socket.IO. An answer that
promises something is given only after it is durable.
"""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection

from scribe_server.auth import Owner
from scribe_server.ingest import sync
from scribe_server.ingest.chunks import (
    ack_of,
    error_of,
    jumps_too_far,
    refusal_of,
    to_write,
    whole_ms,
)
from scribe_server.ingest.refusals import code_of, failed, session_error
from scribe_server.ingest.sessions import Started, set_paused, start
from scribe_server.ingest.settling import Settling, StopAnswer
from scribe_server.protocol import (
    AudioChunk,
    ChunkAck,
    ChunkError,
    ErrorCode,
    PauseSession,
    ResumeSession,
    SessionError,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    StartSession,
    StopSession,
    SyncCheck,
    SyncState,
)
from scribe_server.receipts import ReceiptSigner
from scribe_server.store import StorageError, Store, StoreLoad
from scribe_server.store.batch import Outcome
from scribe_server.store.hot import HotSession

log = logging.getLogger(__name__)

Answered = Callable[[ChunkAck | ChunkError], None]
"""Given a chunk's answer, once, on the event loop; it must not raise."""


class Ingest:
    """Writes sessions and chunks of one store."""

    def __init__(self, store: Store, signer: ReceiptSigner, clock: Callable[[], int]) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._settling = Settling(store, signer, clock)

    async def start_session(
        self, owner: Owner, request: StartSession, *, scribe_client: bool
    ) -> SessionStarted | SessionError:
        """Begin a session or resume an own one; says what is missing of it."""
        if not owner.is_called(request.user_id):
            return session_error(ErrorCode.NOT_FOUND, request.session_id)
        now = self._clock()

        def work(connection: Connection) -> Started | SessionError:
            return start(connection, owner, request, now, scribe_client=scribe_client)

        try:
            started = await self._store.write(work, self._keep_in_memory)
        except StorageError as error:
            return failed(error, request.session_id)
        return started if isinstance(started, SessionError) else started.answer

    def _keep_in_memory(self, started: Started | SessionError) -> None:
        if isinstance(started, SessionError):
            return
        new = started.session
        known = self._store.hot.get(new.owner, new.uuid)
        if known is None:
            self._store.hot.put(new)
        else:
            known.device_id = new.device_id

    async def recording_device(self, owner: Owner, session_id: str) -> str | None:
        """The device that started or resumed an own session last; None when nobody knows."""
        try:
            session = await self._find(owner, session_id)
        except StorageError:
            log.exception("who records %s cannot be told", session_id)
            return None
        return None if isinstance(session, ErrorCode) else session.device_id

    async def accept(
        self, owner: Owner, chunk: AudioChunk, *, scribe_client: bool
    ) -> ChunkAck | ChunkError:
        """Store a chunk once; an ack is given only when bytes and row are durable."""
        refused = refusal_of(chunk, scribe_client=scribe_client)
        if refused is not None:
            return error_of(chunk, refused)
        try:
            session = await self._find(owner, chunk.session_id)
        except StorageError as error:
            return error_of(chunk, code_of(error))
        if isinstance(session, ErrorCode):
            return error_of(chunk, session)
        future: asyncio.Future[ChunkAck | ChunkError] = asyncio.get_running_loop().create_future()

        def answered(answer: ChunkAck | ChunkError) -> None:
            if not future.done():  # whoever waited may have been cancelled
                future.set_result(answer)

        self._submit(session, chunk, answered)
        return await future

    def take(
        self, owner: Owner, chunk: AudioChunk, answered: Answered, *, scribe_client: bool
    ) -> bool:
        """Like accept, without a task: for a chunk whose session is in memory, as nearly all are.

        Returns:
            False when the session is not there; nothing has been done then.
        """
        session = self._store.hot.get(owner.user_id, chunk.session_id)
        if session is None:
            return False
        refused = refusal_of(chunk, scribe_client=scribe_client)
        if refused is not None:
            answered(error_of(chunk, refused))
        else:
            self._submit(session, chunk, answered)
        return True

    def _submit(self, session: HotSession, chunk: AudioChunk, answered: Answered) -> None:
        if jumps_too_far(chunk, session):
            answered(error_of(chunk, ErrorCode.INVALID_PAYLOAD))
            return

        def done(outcome: Outcome) -> None:
            if isinstance(outcome, ErrorCode):
                answered(error_of(chunk, outcome))
            else:
                answered(ack_of(chunk, outcome))

        self._store.store_chunk(to_write(chunk, session), done)

    async def pause_session(
        self, owner: Owner, payload: PauseSession
    ) -> SessionPaused | SessionError:
        """Note a live hint that an own session pauses."""
        now = self._clock()
        error = await self._set_paused(owner, payload.session_id, now)
        at = whole_ms(payload.paused_at)
        return error or SessionPaused(payload.session_id, now if at is None else at)

    async def resume_session(
        self, owner: Owner, payload: ResumeSession
    ) -> SessionResumed | SessionError:
        """Note a live hint that an own session goes on."""
        error = await self._set_paused(owner, payload.session_id, None)
        at = whole_ms(payload.resumed_at)
        return error or SessionResumed(payload.session_id, self._clock() if at is None else at)

    async def _set_paused(
        self, owner: Owner, session_id: str, paused_at: int | None
    ) -> SessionError | None:
        try:
            done = await self._store.write(
                lambda connection: set_paused(connection, owner, session_id, paused_at)
            )
        except StorageError as error:
            return failed(error, session_id)
        return None if done else session_error(ErrorCode.NOT_FOUND, session_id)

    async def stop_session(self, owner: Owner, payload: StopSession) -> list[StopAnswer]:
        """End a session. With a manifest: its receipt, or what is missing, or a conflict."""
        return await self._settling.stop_session(owner, payload)

    async def sync_check(self, owner: Owner, payload: SyncCheck) -> SyncState:
        """The server's books for each session that the client asks about.

        Raises:
            StorageError: the database refused.
        """
        return await self._store.database.read(
            lambda connection: SyncState(
                [sync.compare(connection, owner, asked) for asked in payload.sessions]
            )
        )

    def load(self) -> StoreLoad:
        """How busy the store is: facts for backpressure."""
        return self._store.load()

    def set_room_aside(self) -> None:
        """The disk has room again: take what deletions need on a full one. It blocks."""
        self._store.reserve.set_aside()

    async def _find(self, owner: Owner, session_id: str) -> HotSession | ErrorCode:
        return await self._store.find_session(owner.user_id, owner.name, session_id)
