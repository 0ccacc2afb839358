"""Sessions that are being written to, kept in memory so that a chunk costs no look-up.

The writing thread alone adds, changes and evicts; the event loop only looks. So what is found
here is never older than the database.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from scribe_server.protocol import SessionStatus
from scribe_server.store.schema import chunks, sessions


@dataclass(slots=True, eq=False)
class HotSession:
    """What accepting a chunk needs to know of a session.

    `max_seq` is the highest stored sequence (-1: none); `recording` is False once the session
    has been stopped, which makes each further chunk look at its status again.
    """

    pk: int
    owner: int
    user: str
    uuid: str
    layout: str
    device_id: str | None
    max_seq: int
    recording: bool


Key = tuple[int, str]


class HotSessions:
    """The newest `most` sessions by (owner, UUID)."""

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._sessions: dict[Key, HotSession] = {}
        self._gone: set[int] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, owner: int, uuid: str) -> HotSession | None:
        """The session, when it is in memory."""
        return self._sessions.get((owner, uuid))

    def put(self, session: HotSession) -> HotSession:
        """Keep a session; the one kept longest makes room."""
        self._sessions[session.owner, session.uuid] = session
        if len(self._sessions) > self._most:
            del self._sessions[next(iter(self._sessions))]
        return session

    def forget(self, owner: int, uuid: str, pk: int) -> None:
        """Drop a deleted session; chunks of it that are still on their way meet `is_gone`."""
        self._sessions.pop((owner, uuid), None)
        self._gone.add(pk)

    def is_gone(self, session: HotSession) -> bool:
        """Whether the session was deleted since the start."""
        return session.pk in self._gone


def load_session(connection: Connection, owner: int, user: str, uuid: str) -> HotSession | None:
    """A session of this owner as the database has it."""
    row = connection.execute(
        select(sessions.c.id, sessions.c.layout, sessions.c.device_id, sessions.c.status).where(
            sessions.c.owner == owner, sessions.c.uuid == uuid
        )
    ).one_or_none()
    if row is None:
        return None
    highest = connection.execute(
        select(func.max(chunks.c.sequence)).where(chunks.c.session == row.id)
    ).scalar_one()
    return HotSession(
        pk=row.id,
        owner=owner,
        user=user,
        uuid=uuid,
        layout=row.layout,
        device_id=row.device_id,
        max_seq=-1 if highest is None else highest,
        recording=row.status == SessionStatus.RECORDING,
    )
