"""One simulated recorder: records by the schedule, sends under the window, resends after cuts.

It knows no clock and no loop but those it is given, and talks to the server through a Link. Where
the desktop would read its spool, it makes the chunk anew.
"""

import dataclasses
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from scribe_server.loadtest.hold import Hold, Later
from scribe_server.loadtest.job import Counts
from scribe_server.loadtest.manifest import chunk_fields, manifest_of, start_fields
from scribe_server.loadtest.material import Material
from scribe_server.protocol import Event, Receipt

_RETRY_S: Final = 1.0


class Link(Protocol):
    """What a recorder needs of a connection."""

    def send_event(self, name: str, payload: object) -> object:
        """Send one event."""

    def send_chunk(self, name: str, fields: Mapping[str, Any], audio: bytes) -> object:
        """Send one event with an attachment."""

    def cut(self) -> None:
        """Drop the connection."""


@dataclass(frozen=True)
class World:
    """What all recorders of a process share. `latencies` gets ms; `clock` gives seconds."""

    material: Material
    counts: Counts
    latencies: Callable[[float], None]
    clock: Callable[[], float]
    later: Later
    wall_ms: Callable[[], int]


@dataclass(frozen=True)
class Character:
    """What this recorder does besides sending: see job.Behaviour."""

    user_id: str | None = None
    deaf: bool = False
    replay_every: int = 0
    cut_after: frozenset[int] = frozenset()


class Recorder:
    """A wire.Listener for one session. `planned` is how many chunks it records at most."""

    def __init__(
        self, index: int, session: uuid.UUID, planned: int, world: World, character: Character
    ) -> None:
        self.index = index
        self.session = session
        self.planned = planned
        self.recorded = 0
        self.ready = False
        self.refusal: str | None = None
        self.receipt: Receipt | None = None
        self.stopped: str | None = None
        self.on_ready: Callable[[], None] = lambda: None
        self.on_back: Callable[[], None] | None = None
        self.on_first_ack: Callable[[], None] | None = None
        self.on_lost: Callable[[], None] = lambda: None
        self.on_settled: Callable[[], None] = lambda: None
        self._name = str(session)
        self._world = world
        self._character = character
        self._link: Link | None = None
        self._due: dict[int, float] = {}
        self._waiting: deque[int] = deque()
        self._in_flight: set[int] = set()
        self._replaying: set[int] = set()
        self._refused: set[int] = set()
        self._window = 1
        self._writable = True
        self._hold = Hold(world.counts, world.clock, world.later, self._probe)
        self._flooding = False

    # ---------------------------------------------------------------------- what is due

    @property
    def unacked(self) -> list[int]:
        """Recorded sequences that the server has not acknowledged, in ascending order."""
        return sorted(self._due)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return len(self._due) > len(self._refused) or bool(self._replaying)

    def record(self, due: float) -> None:
        """The next chunk is there, and was due at that moment."""
        self._keep(due)
        self.pump()

    def pump(self) -> None:
        """Send what may be sent."""
        waiting = self._waiting
        while self._may_send():
            if waiting:
                self._send(waiting.popleft())
            elif self._flooding and self.recorded < self.planned:
                self._keep(self._world.clock())
            else:
                return

    def begin_flood(self) -> None:
        """From now on the next chunk is there whenever one may be sent."""
        self._flooding = True
        self.pump()

    def end_flood(self) -> None:
        """The time is up: what was not recorded yet never is."""
        self._flooding = False
        self.planned = self.recorded

    def _keep(self, due: float) -> None:
        self._due[self.recorded] = due
        self._waiting.append(self.recorded)
        self.recorded += 1
        self._world.counts.recorded += 1

    def _may_send(self) -> bool:
        if not (self.ready and self._writable):
            return False
        if self._character.deaf:
            return True
        return not self._hold.active and len(self._in_flight) < self._window

    def _send(self, sequence: int) -> None:
        link = self._link
        if link is None or sequence in self._in_flight:
            return
        self._in_flight.add(sequence)
        material = self._world.material
        fields = chunk_fields(material, self.session, sequence, self._world.wall_ms())
        link.send_chunk(Event.AUDIO_CHUNK, fields, material.chunk(self.session, sequence))
        if sequence in self._character.cut_after and sequence in self._due:
            self._character = _without(self._character, sequence)
            self.cut()

    # --------------------------------------------------------------------- connections

    def attach(self, link: Link) -> None:
        """Begin or resume the session over a new connection."""
        self._link = link
        self._writable = True
        start = start_fields(self.session, self.index, self._character.user_id)
        link.send_event(Event.START_SESSION, start)

    def cut(self) -> None:
        """Lose the network now."""
        link, self._link = self._link, None
        self.ready = False
        if link is not None:
            self._world.counts.cut += 1
            link.cut()

    def on_end(self) -> None:
        """The connection is gone: what was in flight waits again, in its old order."""
        self._link = None
        self.ready = False
        self._hold.end()
        again = sorted(self._in_flight - self._replaying)
        self._world.counts.sent_again += len(again)
        self._in_flight.clear()
        self._replaying.clear()
        self._waiting.extendleft(reversed(again))
        self.on_lost()

    def on_writable(self, writable: bool) -> None:
        """Go on when the system's buffer has room."""
        self._writable = writable
        if writable:
            self.pump()

    # -------------------------------------------------------------------------- answers

    def on_ack(self, _number: int, _arguments: list[Any]) -> None:
        """Socket.IO acknowledgements are not used by Scribe."""

    def on_event(self, name: str, payload: Any) -> None:
        """Take an answer of the server."""
        match name:
            case Event.CHUNK_ACK:
                self._acked(payload)
            case Event.CHUNK_ERROR:
                self._chunk_refused(payload)
            case Event.BACKPRESSURE:
                self._told(payload["canAccept"], payload.get("retryAfterMs"))
            case Event.WELCOME:
                self._window = payload["window"]
                self._told(payload["canAccept"], None)
            case Event.SESSION_STARTED:
                self._started(payload)
            case Event.SESSION_ERROR:
                self._session_refused(payload)
            case Event.SESSION_RECEIPT:
                self.receipt = msgspec.convert(payload, Receipt)
                self._settle("receipt")
            case Event.SESSION_INCOMPLETE:
                self._again(payload["missingRanges"])
                self._settle("incomplete")
            case _:  # session-stopped, and whatever a newer server may say
                pass

    def _acked(self, ack: Mapping[str, Any]) -> None:
        sequence = ack["sequence"]
        counts = self._world.counts
        self._in_flight.discard(sequence)
        if ack["sha256"] != self._world.material.sha256(self.session, sequence):
            counts.error("acked_with_another_hash")
            self._world.later(_RETRY_S, self._requeue, sequence)
            return
        counts.acked_as_duplicates += ack["duplicate"]
        if sequence in self._replaying:
            self._replaying.discard(sequence)
            counts.stored_twice += not ack["duplicate"]
        elif (due := self._due.pop(sequence, None)) is not None:
            self._first_ack(sequence, due)
        self._window = ack["window"]
        self._told(ack["canAccept"], None)
        self.pump()

    def _first_ack(self, sequence: int, due: float) -> None:
        world, every = self._world, self._character.replay_every
        world.latencies((world.clock() - due) * 1000)
        world.counts.acked += 1
        world.counts.acked_bytes += world.material.size(self.session, sequence)
        if self.on_first_ack is not None:
            self.on_first_ack()
        if every and sequence % every == every - 1:
            world.counts.sent_again += 1
            self._replaying.add(sequence)
            self._send(sequence)

    def _chunk_refused(self, error: Mapping[str, Any]) -> None:
        sequence = error["sequence"]
        self._world.counts.error(error["code"])
        self._in_flight.discard(sequence)
        if sequence in self._replaying:
            self._replaying.discard(sequence)
        elif error["retryable"]:
            wait_ms = error.get("retryAfterMs") or _RETRY_S * 1000
            self._world.later(wait_ms / 1000, self._requeue, sequence)
        else:
            self._refused.add(sequence)
        self.pump()

    def _requeue(self, sequence: int) -> None:
        if sequence in self._due and sequence not in self._in_flight | set(self._waiting):
            self._world.counts.sent_again += 1
            self._waiting.appendleft(sequence)
            self.pump()

    def _started(self, started: Mapping[str, Any]) -> None:
        """A chunk that was acked and is missing now is a broken promise, and is sent again."""
        lacking = {
            sequence
            for first, last in started["missingRanges"]
            for sequence in range(first, last + 1)
        }
        lacking.update(range(started["maxSeq"] + 1, self.recorded))
        self._resend(lacking)
        self.ready = True
        if self.on_back is not None:
            self.on_back()
        self.on_ready()
        self.pump()

    def _again(self, ranges: list[tuple[int, int]]) -> None:
        self._resend({number for first, last in ranges for number in range(first, last + 1)})
        self.pump()

    def _resend(self, lacking: set[int]) -> None:
        forgotten = sorted(n for n in lacking if n < self.recorded and n not in self._due)
        for sequence in forgotten:
            self._world.counts.error("acked_and_missing")
            self._due[sequence] = self._world.clock()
        self._waiting.extendleft(reversed(forgotten))

    def _session_refused(self, error: Mapping[str, Any]) -> None:
        self._world.counts.error(error["code"])
        self.refusal = error["code"]
        self._settle("refused")
        self.on_ready()

    # --------------------------------------------------------------------- backpressure

    def _told(self, can_accept: bool, retry_after_ms: int | None) -> None:
        if can_accept:
            self._hold.end()
            self.pump()
        else:
            self._hold.begin(retry_after_ms)

    def _probe(self) -> None:
        """One chunk is sent all the same, and its answer tells."""
        if self.ready and self._waiting and not self._in_flight:
            self._send(self._waiting.popleft())

    # --------------------------------------------------------------------------- ending

    def stop(self, *, receipt: bool = True) -> None:
        """End the session; with `receipt` one that has chunks asks for its receipt."""
        self.stopped = None
        if self._link is None:
            self._settle("disconnected")
            return
        payload: dict[str, Any] = {"sessionId": self._name}
        if receipt and self.recorded:
            manifest = manifest_of(self._world.material, self.session, self.recorded)
            payload["manifest"] = msgspec.to_builtins(manifest)
        self._link.send_event(Event.STOP_SESSION, payload)
        if "manifest" not in payload:
            self._settle("stopped")

    def _settle(self, how: str) -> None:
        self.stopped = how
        self.on_settled()


def _without(character: Character, sequence: int) -> Character:
    left = character.cut_after - {sequence}
    return dataclasses.replace(character, cut_after=left)
