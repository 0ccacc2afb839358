"""Which socket speaks for which session: the newest one, unless another device records it."""

from dataclasses import dataclass, replace
from typing import Final

from scribe_server.protocol import ErrorCode

Key = tuple[int, str]
"""A user's id and a session's id; two users may use the same session id."""
MOST_SESSIONS: Final = 1_000
"""What is remembered of one socket. Beyond that its oldest session counts as one that nobody speaks
for, as after the end of a socket."""


@dataclass(frozen=True)
class Binding:
    """A session is spoken for by a socket of a device; `recording` until it is stopped."""

    socket: str
    device_id: str | None
    recording: bool = True


class Bindings:
    """Keeps who speaks for what; sockets are named by their ids only."""

    def __init__(self) -> None:
        self._by_key: dict[Key, Binding] = {}
        # Dicts in place of sets, because they know which key is the oldest.
        self._held: dict[str, dict[Key, None]] = {}
        self._lost: dict[str, dict[Key, None]] = {}

    def conflict(self, key: Key, socket: str, device_id: str | None) -> bool:
        """Whether another device records the session over another socket."""
        held = self._by_key.get(key)
        if held is None or held.socket == socket or not held.recording:
            return False
        return None not in {held.device_id, device_id} and held.device_id != device_id

    def refusal(self, key: Key, socket: str, device_id: str | None) -> ErrorCode | None:
        """Why this socket may not send chunks of the session: it lost it, or another has it."""
        if key in self._lost.get(socket, ()):
            return ErrorCode.SUPERSEDED
        return ErrorCode.CONFLICT if self.conflict(key, socket, device_id) else None

    def bind(self, key: Key, socket: str, device_id: str | None) -> Binding | None:
        """Give the session to this socket; returns the binding that another socket lost."""
        before = self._by_key.get(key)
        self._by_key[key] = Binding(socket, device_id)
        self._lost.get(socket, {}).pop(key, None)
        if (forgotten := _remember(self._held, socket, key)) is not None:
            del self._by_key[forgotten]
        if before is None or before.socket == socket:
            return None
        self._held[before.socket].pop(key, None)
        _remember(self._lost, before.socket, key)
        return before

    def stopped(self, key: Key, socket: str) -> None:
        """The session was stopped over this socket: any device may go on with it."""
        held = self._by_key.get(key)
        if held is not None and held.socket == socket:
            self._by_key[key] = replace(held, recording=False)

    def sessions_of(self, socket: str) -> int:
        """How many sessions the socket speaks for."""
        return len(self._held.get(socket, ()))

    def drop(self, socket: str) -> None:
        """Forget a socket that has ended."""
        self._lost.pop(socket, None)
        for key in self._held.pop(socket, ()):
            del self._by_key[key]


def _remember(keys: dict[str, dict[Key, None]], socket: str, key: Key) -> Key | None:
    """Note a key of a socket as its newest; gives the oldest when it is one too many."""
    own = keys.setdefault(socket, {})
    own.pop(key, None)
    own[key] = None
    if len(own) <= MOST_SESSIONS:
        return None
    oldest = next(iter(own))
    del own[oldest]
    return oldest
