"""One side of a conversation: what would be sent and told to the machine is kept in lists."""

from collections.abc import Callable
from pathlib import Path

from scribe_desktop.sync.complaints import Complaints
from scribe_desktop.sync.events import Event as MachineEvent
from scribe_desktop.sync.events import Facts
from scribe_desktop.sync.talk import Talk
from scribe_server.protocol import Event, Payload
from tests.parts.fake_server import FakeServer
from tests.parts.filled_spool import spool_in
from tests.parts.running_driver import TARGET

NEW_ID = "99999999-9999-4999-8999-999999999999"


Timer = tuple[float, Callable[[], None]]


class Side:
    """A Talk over a real spool."""

    def __init__(self, folder: Path) -> None:
        self.server = FakeServer()
        self.sent: list[tuple[Event, Payload]] = []
        self.applied: list[MachineEvent] = []
        self.changed: list[str] = []
        self.notes: list[str] = []
        self.timers: list[Timer] = []
        self.facts = Facts()
        self.now = 1_000_000
        self.now_s = 100.0
        self.spool = spool_in(folder)
        self.talk = Talk(
            spool=self.spool,
            target=TARGET,
            identity=self.server.identity,
            send=lambda event, payload: self.sent.append((event, payload)),
            apply=self.applied.append,
            facts=lambda: self.facts,
            changed=self.changed.append,
            note=self.notes.append,
            later=lambda after_s, callback: self.timers.append((after_s, callback)),
            clock=lambda: self.now,
            now_s=lambda: self.now_s,
            new_id=lambda: NEW_ID,
            complaints=Complaints(lambda: self.now_s),
        )

    def names(self) -> list[Event]:
        """The names of what was sent."""
        return [name for name, _ in self.sent]

    def ack_all(self, session_id: str) -> None:
        """The server has everything of a session."""
        for chunk in self.spool.chunks(session_id):
            self.spool.mark_acked(
                session_id, chunk.sequence, sha256=chunk.sha256, acked_at=self.now
            )
