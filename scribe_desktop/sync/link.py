"""What the engine needs of a connection; transport.py has the real one, tests a fake."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from scribe_desktop.errors import RefusedError, UnreachableError
from scribe_server.protocol import ConnectAuth

MOST_EARLY: Final = 16
"""Events that are kept until somebody listens. A server has one thing to say before it is asked."""
MOST_QUEUED: Final = 1_024
"""Messages that may wait to be sent; the window keeps an honest server far below."""


class ConnectRefusedError(RefusedError):
    """The server answered the attempt to connect with a refusal.

    Attributes:
        code: from the protocol's table of error codes, as the server sent it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__("The server refused the connection", message)
        self.code = code


class NoWebSocketError(UnreachableError):
    """Somebody answered over HTTP and would not switch to WebSocket: polling may get through."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an attempt may take: seconds for TCP (and TLS), seconds for all of it."""

    connect_s: float
    whole_s: float


EARLY_PATIENCE = Patience(connect_s=2.0, whole_s=5.0)
"""Short, because a lost SYN is repeated after 1, 3, 7 s … and the server may be back meanwhile."""
LATE_PATIENCE = Patience(connect_s=10.0, whole_s=20.0)


class Progress(NamedTuple):
    """Bytes received, and bytes that have left the send queue for good."""

    received: int
    confirmed: int


class Connection(Protocol):
    """One connection; it is used once."""

    async def connect(
        self, origin: str, auth: ConnectAuth, patience: Patience, *, polling: bool
    ) -> None:
        """Connect, or raise UnreachableError or ConnectRefusedError and leave nothing behind."""

    def send(self, event: str, data: dict[str, Any]) -> None:
        """Queue an event; the order is kept."""

    def progress(self) -> Progress:
        """What has passed so far."""

    def cut(self) -> None:
        """Shut the socket down at once, whatever waits in its queues."""

    async def close(self) -> None:
        """End the connection and free everything; may be called at any time, also twice."""


ConnectionFactory = Callable[[Callable[[str, Any], None], Callable[[], None]], Connection]
"""Makes a connection from `on_event(name, data)` and `on_down()`, both called on the loop."""
