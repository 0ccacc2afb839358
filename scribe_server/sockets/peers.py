"""What the server remembers about one connected socket."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scribe_server.backpressure import Window
from scribe_server.protocol import MAX_DUPLICATES_PER_CONNECTION
from scribe_server.sockets.flow import Unstored

if TYPE_CHECKING:
    from scribe_server.auth import Owner

_REMEMBERED_DUPLICATES: Final = 1024


class Duplicates:
    """Counts how often a chunk came again over one connection; remembers the latest ones."""

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, int], int] = OrderedDict()

    def too_many(self, session_id: str, sequence: int) -> bool:
        """Count one identical duplicate; whether that is one more than a connection may send."""
        key = (session_id, sequence)
        count = self._counts.pop(key, 0) + 1
        self._counts[key] = count
        if len(self._counts) > _REMEMBERED_DUPLICATES:
            self._counts.popitem(last=False)
        return count > MAX_DUPLICATES_PER_CONNECTION


@dataclass(eq=False)
class Peer:
    """One socket, named by its Engine.IO id, with its owner and what it has in flight."""

    socket: str
    owner: "Owner"
    device_id: str | None
    scribe_client: bool
    window: Window
    unstored: Unstored = field(default_factory=Unstored)
    duplicates: Duplicates = field(default_factory=Duplicates)
    queue_full: bool = False
    told_closed: bool = False
    ended: bool = False
