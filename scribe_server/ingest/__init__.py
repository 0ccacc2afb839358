"""Everything that writes sessions: what the socket handlers call, whatever carries the messages.

Answers are payloads and refusals are values; nothing here knows Socket.IO. An answer that
promises something is given only after it is durable.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from scribe_server.auth import Owner
from scribe_server.ingest import stop, sync
from scribe_server.ingest.chunks import (
    ack_of,
    error_of,
    jumps_too_far,
    refusal_of,
    to_write,
    whole_ms,
)
from scribe_server.ingest.sessions import Started, session_error, set_paused, start
from scribe_server.protocol import (
    AudioChunk,
    ChunkAck,
    ChunkError,
    ErrorCode,
    Manifest,
    PauseSession,
    Receipt,
    ResumeSession,
    SessionError,
    SessionIncomplete,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionStopped,
    StartSession,
    StopSession,
    SyncCheck,
    SyncState,
    manifest_digest,
)
from scribe_server.receipts import ReceiptSigner
from scribe_server.store import StorageError, StorageFullError, Store, StoreLoad
from scribe_server.store.hot import HotSession
from scribe_server.store.queries import receipt_of

log = logging.getLogger(__name__)

HASHED_AT_ONCE: Final = 2
"""Sessions whose stored bytes are hashed again at the same time."""

StopAnswer = SessionStopped | SessionIncomplete | Receipt | SessionError


class Ingest:
    """Writes sessions and chunks of one store."""

    def __init__(self, store: Store, signer: ReceiptSigner, clock: Callable[[], int]) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._hashing = asyncio.Semaphore(HASHED_AT_ONCE)

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
            return _failed(error, request.session_id)
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
            return error_of(chunk, _code_of(error))
        if isinstance(session, ErrorCode):
            return error_of(chunk, session)
        if jumps_too_far(chunk, session):
            return error_of(chunk, ErrorCode.INVALID_PAYLOAD)
        outcome = await self._store.store_chunk(to_write(chunk, session))
        if isinstance(outcome, ErrorCode):
            return error_of(chunk, outcome)
        return ack_of(chunk, outcome)

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
            return _failed(error, session_id)
        return None if done else session_error(ErrorCode.NOT_FOUND, session_id)

    async def stop_session(self, owner: Owner, payload: StopSession) -> list[StopAnswer]:
        """End a session. With a manifest: its receipt, or what is missing, or a conflict."""
        session_id, manifest = payload.session_id, payload.manifest
        if not owner.is_called(payload.user_id):
            return [session_error(ErrorCode.NOT_FOUND, session_id)]
        if manifest is not None and not _is_of(manifest, session_id):
            details = "the manifest must name this session, and its chunks in ascending order"
            return [session_error(ErrorCode.INVALID_PAYLOAD, session_id, details)]
        answers: list[StopAnswer] = []
        try:
            session = await self._find(owner, session_id)
            if isinstance(session, ErrorCode):
                return [session_error(session, session_id)]
            answers.append(await self._mark_stopped(session))
            if manifest is not None:
                answers.append(await self._settle(session, manifest))
        except StorageError as error:
            answers.append(_failed(error, session_id))
        return answers

    async def _mark_stopped(self, session: HotSession) -> SessionStopped:
        now = self._clock()

        def work(connection: Connection) -> int:
            session.recording = False
            return stop.mark_stopped(connection, session.pk, now)

        return SessionStopped(session.uuid, await self._store.write(work))

    async def _settle(self, session: HotSession, manifest: Manifest) -> StopAnswer:
        """Compare, hash again, sign: the answer to a manifest."""
        database, now = self._store.database, self._clock()
        digest = await database.off_loop(lambda: manifest_digest(manifest))
        verdict = await self._store.write(
            lambda connection: stop.keep_manifest(connection, session.pk, manifest, digest, now)
        )
        if not isinstance(verdict, stop.Whole):
            return _told(session, verdict)
        given = await database.read(lambda connection: receipt_of(connection, session.pk, digest))
        if given is not None:
            return given
        return await self._sign(session, manifest, digest, verdict)

    async def _sign(
        self, session: HotSession, manifest: Manifest, digest: str, whole: stop.Whole
    ) -> StopAnswer:
        database, blobs = self._store.database, self._store.blobs
        async with self._hashing:
            unsound = await database.off_loop(lambda: stop.unsound(blobs, whole.rows))
        if unsound:
            ranges = await self._store.write(
                lambda connection: stop.mark_damaged(connection, session.pk, unsound, blobs)
            )
            return SessionIncomplete(session.uuid, ranges)
        receipt = await database.off_loop(
            lambda: self._signer.sign(
                session_id=session.uuid,
                digest=digest,
                chunks=len(whole.rows),
                total_samples=manifest.total_samples,
                size=sum(row.size for row in whole.rows),
                stored_at=self._clock(),
            )
        )
        kept = await self._store.write(
            lambda connection: stop.keep_receipt(connection, session.pk, manifest, receipt)
        )
        return kept if isinstance(kept, Receipt) else _told(session, kept)

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

    async def _find(self, owner: Owner, session_id: str) -> HotSession | ErrorCode:
        return await self._store.find_session(owner.user_id, owner.name, session_id)


def _is_of(manifest: Manifest, session_id: str) -> bool:
    return manifest.session_id == session_id and stop.is_well_formed(manifest)


def _told(session: HotSession, verdict: stop.Verdict) -> StopAnswer:
    match verdict:
        case stop.Missing(ranges):
            return SessionIncomplete(session.uuid, ranges)
        case stop.Contradiction(details):
            return session_error(ErrorCode.CONFLICT, session.uuid, details)
        case stop.Whole():
            raise AssertionError("a whole session is answered with its receipt")


def _code_of(error: StorageError) -> ErrorCode:
    if isinstance(error, StorageFullError):
        return ErrorCode.STORAGE_FULL
    return ErrorCode.STORAGE_FAILED


def _failed(error: StorageError, session_id: str) -> SessionError:
    log.error("session %s: %s", session_id, error)
    return session_error(_code_of(error), session_id)
