"""The way between client and server: what is on it can be lost, doubled, held up and overtaken."""

from dataclasses import dataclass, field

from tests.faults.model.server import Message


@dataclass
class Wire:
    """What is under way; `late` went out on a connection that has ended meanwhile."""

    to_server: list[Message] = field(default_factory=list)
    to_client: list[Message] = field(default_factory=list)
    late: list[Message] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0

    def cut(self) -> None:
        """The connection ends: what was sent may still arrive, what comes back does not."""
        self.late += self.to_server
        self.lost += len(self.to_client)
        self.to_server, self.to_client = [], []

    def lose_all(self) -> None:
        """Everything under way to the server is gone."""
        self.lost += len(self.to_server) + len(self.late)
        self.to_server, self.late = [], []

    def take(self, line: list[Message], index: int, *, again: bool) -> Message:
        """One message of a line (`again`: it will arrive once more)."""
        place = index % len(line)
        if again:
            self.doubled += 1
            return line[place]
        return line.pop(place)
