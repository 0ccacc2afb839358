import asyncio
from typing import Any

from scribe_desktop.selftest.wire import FaultyConnection, Mode, Wire
from scribe_desktop.sync.link import Patience, Progress
from scribe_server import protocol


class Line:
    """A connection that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.calls: list[str] = []

    async def connect(
        self, origin: str, auth: protocol.ConnectAuth, patience: Patience, *, polling: bool
    ) -> None:
        self.calls.append(f"connect {origin} {polling}")

    def send(self, event: str, data: dict[str, Any]) -> None:
        self.sent.append(data.get("sequence", event))

    def progress(self) -> Progress:
        return Progress(3, 4)

    def cut(self) -> None:
        self.calls.append("cut")

    async def close(self) -> None:
        self.calls.append("close")


def chunk(sequence: int) -> dict[str, Any]:
    return {"sessionId": "s", "sequence": sequence}


def send(wire: Wire, *sequences: int, rest_s: float = 0.0) -> list[Any]:
    line = Line()

    async def scenario() -> None:
        connection = FaultyConnection(wire, line)
        connection.send("start-session", {})
        for sequence in sequences:
            connection.send("audio-chunk", chunk(sequence))
        await asyncio.sleep(rest_s)

    asyncio.run(scenario())
    return line.sent


def test_without_a_fault_everything_goes_as_it_comes() -> None:
    assert send(Wire(), 0, 1) == ["start-session", 0, 1]


def test_chunks_are_doubled_and_nothing_else() -> None:
    wire = Wire()
    wire.mode = Mode.DOUBLE
    assert send(wire, 0, 1) == ["start-session", 0, 0, 1, 1]
    assert wire.doubled == {("s", 0), ("s", 1)}


def test_each_pair_of_chunks_changes_places() -> None:
    wire = Wire()
    wire.mode = Mode.SWAP
    assert send(wire, 0, 1, 2, 3) == ["start-session", 1, 0, 3, 2]
    assert wire.overtaken == {("s", 0), ("s", 2)}


def test_a_chunk_that_none_follows_goes_by_itself(monkeypatch: Any) -> None:
    monkeypatch.setattr("scribe_desktop.selftest.wire.LONGEST_HOLD_S", 0.001)
    wire = Wire()
    wire.mode = Mode.SWAP
    assert send(wire, 0, rest_s=0.02) == ["start-session", 0]
    assert wire.overtaken == set()


def test_answers_are_noted_and_handed_on() -> None:
    wire, heard, lines = Wire(), [], []

    def make(on_event: Any, _on_down: Any) -> Line:
        lines.append(on_event)
        return Line()

    wire.making(make)(lambda name, _: heard.append(name), lambda: None)
    (on_event,) = lines
    rung: list[int] = []
    wire.at_next_ack = lambda: rung.append(1)
    on_event("chunk-error", {**chunk(0), "code": "storage_full"})
    on_event("chunk-error", {**chunk(1), "code": "busy"})
    on_event("chunk-ack", {**chunk(2), "duplicate": False})
    on_event("chunk-ack", {**chunk(3), "duplicate": True})
    on_event("sync-state", {})
    assert (wire.refused, wire.known, rung) == ({("s", 0)}, {("s", 3)}, [1])
    assert heard == ["chunk-error", "chunk-error", "chunk-ack", "chunk-ack", "sync-state"]


def test_the_rest_is_the_connections_own() -> None:
    line, wire = Line(), Wire()

    async def scenario() -> None:
        connection = FaultyConnection(wire, line)
        await connection.connect("o", protocol.ConnectAuth(), Patience(1, 1), polling=True)
        assert connection.progress() == Progress(3, 4)
        connection.cut()
        wire.mode = Mode.SWAP
        connection.send("audio-chunk", chunk(0))
        await connection.close()

    asyncio.run(scenario())
    assert line.calls == ["connect o True", "cut", "close"]
    assert line.sent == []
