"""A simulated recorder's surroundings in the test's hand, and an example of a report."""

import itertools
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from scribe_server.loadtest.job import Counts, HerdTimes, Result, SessionResult
from scribe_server.loadtest.material import Material
from scribe_server.loadtest.options import Options
from scribe_server.loadtest.outcome import Outcome, Seen
from scribe_server.loadtest.plan import Pace, Plan
from scribe_server.loadtest.recorder import Character, Recorder, World
from scribe_server.loadtest.report import Machine, Report, Snapshot
from scribe_server.loadtest.verify import Proof

SESSION = uuid.UUID("11111111-1111-4111-8111-111111111111")
MATERIAL = Material([b"variant one", b"variant two"])


def plan(**changes: Any) -> Plan:
    """A plan of one session with 120 chunks at 100 ms, with changes."""
    usual = {"sessions": 1, "pace": Pace.FAST, "chunks": 120, "seconds": None, "rate": None}
    return Plan(**{**usual, "seed": 1, **changes})


class FakeLink:
    """Keeps what was sent; `cut` ends the recorder's connection at once."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.chunks: list[int] = []
        self.bodies: list[bytes] = []
        self.on_cut: Callable[[], None] = lambda: None

    def send_event(self, name: str, payload: object) -> None:
        self.events.append((name, payload))

    def send_chunk(self, name: str, fields: Mapping[str, Any], audio: bytes) -> None:
        assert name == "audio-chunk"
        self.chunks.append(fields["sequence"])
        self.bodies.append(audio)

    def cut(self) -> None:
        self.on_cut()


class Bench:
    """One recorder, its link, its clock (`now`, s) and what it wants done `later`."""

    def __init__(self, planned: int = 10, *, window: int = 10, **character: Any) -> None:
        self.now = 0.0
        self.counts = Counts()
        self.latencies: list[float] = []
        self.later: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []
        world = World(
            material=MATERIAL,
            counts=self.counts,
            latencies=self.latencies.append,
            clock=lambda: self.now,
            later=lambda delay, work, *arguments: self.later.append((delay, work, arguments)),
            wall_ms=itertools.count(1_700_000_000_000).__next__,
        )
        self.recorder = Recorder(0, SESSION, planned, world, Character(**character))
        self.window = window
        self.link = self.connect()

    def connect(self, *, stored: int = 0, missing: tuple[tuple[int, int], ...] = ()) -> FakeLink:
        """A new connection on which the session is started; the server has `stored` chunks."""
        self.link = FakeLink()
        self.link.on_cut = self.recorder.on_end
        self.recorder.on_event("welcome", {"window": self.window, "canAccept": True})
        self.recorder.attach(self.link)
        started = {"missingRanges": list(missing), "maxSeq": stored - 1}
        self.recorder.on_event("session-started", started)
        return self.link

    def record(self, count: int) -> None:
        """So many chunks become due now."""
        for _ in range(count):
            self.recorder.record(self.now)

    def ack(self, sequence: int, **changes: Any) -> None:
        """The server has stored a chunk."""
        usual = {
            "sequence": sequence,
            "sha256": MATERIAL.sha256(SESSION, sequence),
            "duplicate": False,
            "canAccept": True,
            "window": self.window,
        }
        self.recorder.on_event("chunk-ack", {**usual, **changes})

    def run_later(self) -> list[float]:
        """Do what was wanted later; the delays, s."""
        due, self.later = self.later, []
        for _, work, arguments in due:
            work(*arguments)
        return [delay for delay, _, _ in due]


def snapshot(at_s: float, *, rss: int = 50_000_000, acked: int = 0, cpu_s: float = 0) -> Snapshot:
    """One look at a server."""
    return Snapshot(at_s, rss, cpu_s, 1_000_000, 500_000, 0, acked)


def outcome(**changes: Any) -> Outcome:
    """A run of one session with two chunks that went well, with changes."""
    from array import array

    counts = Counts(recorded=2, acked=2, acked_bytes=200_000, connections=1)
    result = Result(
        counts=counts,
        latencies=array("d", [3.0, 5.0]).tobytes(),
        slips=array("d", [0.1, 0.4]).tobytes(),
        sessions=[SessionResult(0, 2, [], True, None)],
        herd=HerdTimes(),
        first_due=10.0,
        last_ack=12.0,
        cpu_s=0.0002,
    )
    samples = (snapshot(0), snapshot(1, rss=60_000_000, cpu_s=0.5), snapshot(2, acked=2, cpu_s=1))
    usual = {
        "options": Options(plan(chunks=2)),
        "started_at": "2026-01-01T00:00:00+00:00",
        "machine": Machine("Linux", "3.11", 2, 8_000_000_000),
        "results": [result],
        "seen": Seen(samples, samples),
        "proof": Proof("server", set(), rows=2, bodies=2, receipts_valid=1),
        "chunk_bytes": 100_000,
    }
    return Outcome(**{**usual, **changes})


def example_report(**changes: Any) -> Report:
    """The report of `outcome(**changes)`."""
    return outcome(**changes).to_report()
