"""Beginning and resuming a session, and the live hints of a pause."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, update
from sqlalchemy.dialects.sqlite import insert

from scribe_server.auth import Owner
from scribe_server.ingest.refusals import session_error
from scribe_server.protocol import (
    ErrorCode,
    SessionError,
    SessionStarted,
    SessionStatus,
    StartSession,
    missing_ranges,
)
from scribe_server.store.hot import HotSession
from scribe_server.store.queries import Ranges, find_row, highest_sequence, stored_ranges
from scribe_server.store.reindex import UNKNOWN_SOURCE
from scribe_server.store.schema import CHUNKS_LAYOUT, FRAGMENTS_LAYOUT, devices, sessions
from scribe_server.store.tombstones import is_deleted


@dataclass(frozen=True, slots=True)
class Started:
    """A session that is there now: the answer, and what is kept in memory of it."""

    answer: SessionStarted
    session: HotSession


def start(
    connection: Connection, owner: Owner, request: StartSession, now: int, *, scribe_client: bool
) -> Started | SessionError:
    """Make the session, or bind an own one to the device that asks."""
    uuid = request.session_id
    row = find_row(connection, owner.user_id, uuid)
    is_new = row is None
    if is_new:
        if is_deleted(connection, owner.user_id, uuid):
            return session_error(ErrorCode.SESSION_CLOSED, uuid)
        connection.execute(
            insert(sessions).values(_new_row(owner, request, now, scribe_client=scribe_client))
        )
    elif owner.device_id is not None:
        connection.execute(
            update(sessions)
            .where(sessions.c.owner == owner.user_id, sessions.c.uuid == uuid)
            .values(device_id=owner.device_id)
        )
    if row is not None and row.source == UNKNOWN_SOURCE:
        _fill_in(connection, row.id, _new_row(owner, request, now, scribe_client=scribe_client))
    _meet_device(connection, owner, now)
    row = find_row(connection, owner.user_id, uuid)
    assert row is not None, "the session was put there just now"
    if is_new:
        return _started(owner, row, -1, [])
    highest = highest_sequence(connection, row.id)
    return _started(owner, row, highest, stored_ranges(connection, row.id))


def _fill_in(connection: Connection, session: int, told: dict[str, Any]) -> None:
    """Note what records cannot tell of a session that was indexed from them."""
    known = {"owner", "uuid", "status", "created_at", "started_at", "device_id"}
    values = {name: value for name, value in told.items() if name not in known}
    connection.execute(update(sessions).where(sessions.c.id == session).values(values))


def _new_row(
    owner: Owner, request: StartSession, now: int, *, scribe_client: bool
) -> dict[str, Any]:
    return {
        "owner": owner.user_id,
        "uuid": request.session_id,
        "title": request.title or "",
        "source": request.source,
        "layout": CHUNKS_LAYOUT if scribe_client else FRAGMENTS_LAYOUT,
        "status": SessionStatus.RECORDING.value,
        "started_at": now if request.started_at is None else request.started_at,
        "created_at": now,
        "timezone": request.timezone,
        "sample_rate": request.sample_rate,
        "channels": request.channels,
        "codec": request.codec,
        "chunk_ms": request.chunk_ms,
        "device": request.device,
        "forked_from": request.forked_from,
        "device_id": owner.device_id,
    }


def _meet_device(connection: Connection, owner: Owner, now: int) -> None:
    if owner.device_id is None:
        return
    met = insert(devices).values(
        owner=owner.user_id, device_id=owner.device_id, created_at=now, last_seen=now
    )
    connection.execute(
        met.on_conflict_do_update(
            index_elements=["owner", "device_id"], set_={"last_seen": met.excluded.last_seen}
        )
    )


def _started(owner: Owner, row: Row[Any], highest: int, stored: Ranges) -> Started:
    answer = SessionStarted(
        session_id=row.uuid,
        status=row.status,
        started_at=row.started_at,
        missing_ranges=missing_ranges(stored, highest + 1),
        max_seq=highest,
    )
    session = HotSession(
        pk=row.id,
        owner=owner.user_id,
        user=owner.name,
        uuid=row.uuid,
        layout=row.layout,
        device_id=row.device_id,
        max_seq=highest,
        recording=row.status == SessionStatus.RECORDING,
    )
    return Started(answer, session)


def set_paused(connection: Connection, owner: Owner, uuid: str, paused_at: int | None) -> bool:
    """Note that an own session pauses (or, with None, goes on); False when it is not his."""
    changed = connection.execute(
        update(sessions)
        .where(sessions.c.owner == owner.user_id, sessions.c.uuid == uuid)
        .values(paused_at=paused_at)
    )
    return changed.rowcount == 1
