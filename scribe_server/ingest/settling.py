"""From stop-session to the receipt: mark, compare, hash again, sign, keep."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection

from scribe_server.auth import Owner
from scribe_server.ingest import stop
from scribe_server.ingest.refusals import failed, session_error
from scribe_server.protocol import (
    ErrorCode,
    Manifest,
    Receipt,
    SessionError,
    SessionIncomplete,
    SessionStopped,
    StopSession,
)
from scribe_server.receipts import ReceiptSigner
from scribe_server.store import StorageError, Store, damage
from scribe_server.store.database import Work
from scribe_server.store.hot import HotSession

T = TypeVar("T")

HASHED_AT_ONCE: Final = 2
"""Sessions whose stored bytes are hashed again at the same time."""

StopAnswer = SessionStopped | SessionIncomplete | Receipt | SessionError


class _GoneError(Exception):
    """The session was deleted between two steps."""


class Settling:
    """Ends sessions of one store and signs for what is whole."""

    def __init__(self, store: Store, signer: ReceiptSigner, clock: Callable[[], int]) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._hashing = asyncio.Semaphore(HASHED_AT_ONCE)

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
            session = await self._store.find_session(owner.user_id, owner.name, session_id)
            if isinstance(session, ErrorCode):
                return [session_error(session, session_id)]
            answers.append(await self._mark_stopped(session))
            if manifest is not None:
                answers.append(await self._settle(session, manifest))
        except _GoneError:
            answers.append(session_error(ErrorCode.SESSION_CLOSED, session_id))
        except StorageError as error:
            answers.append(failed(error, session_id))
        return answers

    async def _write(self, session: HotSession, work: Work[T]) -> T:
        """Write about a session, unless it was deleted meanwhile.

        Raises:
            _GoneError: it was.
            StorageError: the database refused.
        """

        def guarded(connection: Connection) -> T:
            if self._store.hot.is_gone(session):
                raise _GoneError
            return work(connection)

        return await self._store.write(guarded)

    async def _mark_stopped(self, session: HotSession) -> SessionStopped:
        now = self._clock()

        def work(connection: Connection) -> int:
            session.recording = False
            return stop.mark_stopped(connection, session.pk, now)

        return SessionStopped(session.uuid, await self._write(session, work))

    async def _settle(self, session: HotSession, manifest: Manifest) -> StopAnswer:
        """Compare, hash again, sign: the answer to a manifest."""
        database, now = self._store.database, self._clock()
        seal = await database.off_loop(lambda: stop.sealed(manifest))
        verdict, given = await database.read(
            lambda connection: stop.look(connection, session.pk, manifest, seal[1])
        )
        if isinstance(verdict, stop.Whole) and given is not None:
            return given
        if not isinstance(verdict, stop.Contradiction):
            await self._write(
                session,
                lambda connection: stop.keep_manifest(connection, session.pk, manifest, seal, now),
            )
        if not isinstance(verdict, stop.Whole):
            return _told(session, verdict)
        return await self._sign(session, manifest, seal[1], verdict)

    async def _sign(
        self, session: HotSession, manifest: Manifest, digest: str, whole: stop.Whole
    ) -> StopAnswer:
        database, blobs = self._store.database, self._store.blobs
        async with self._hashing:
            unsound = await database.in_background(
                lambda: damage.unsound(self._store.shelf, whole.rows)
            )
        if unsound:
            ranges = await self._write(
                session,
                lambda connection: damage.mark_damaged(connection, session.pk, unsound, blobs),
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
        kept = await self._write(
            session,
            lambda connection: stop.keep_receipt(connection, session.pk, manifest, receipt),
        )
        return kept if isinstance(kept, Receipt) else _told(session, kept)


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
