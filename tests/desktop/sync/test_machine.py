"""The rules one by one, and a random walk over a model server."""

import random
from collections import Counter

import pytest

from scribe_desktop.model import SyncState
from scribe_desktop.sync.events import (
    LARGEST_WINDOW,
    Acked,
    ArmDeferral,
    ArmProbe,
    ArmRetry,
    Blocked,
    Cleared,
    Command,
    Connect,
    Counted,
    DeferralDue,
    Deferred,
    Disconnect,
    Enabled,
    Event,
    Facts,
    Flow,
    Key,
    Link,
    Linked,
    ProbeDue,
    Released,
    RetryDue,
    Send,
    Sent,
    Unlinked,
)
from scribe_desktop.sync.machine import derived_state, step

A, B, C = ("s", 0), ("s", 1), ("s", 2)


def after(*events: Event, facts: Facts | None = None) -> tuple[Facts, list[Command]]:
    """The facts after some events, and the last one's commands."""
    now, commands = facts or Facts(), []
    for event in events:
        now, commands = step(now, event)
    return now, commands


UP = (Enabled(on=True), Linked(window=2, can_accept=True))


def test_a_target_begins_an_attempt_to_connect() -> None:
    facts, commands = after(Enabled(on=True))
    assert commands == [Connect()]
    assert facts.link is Link.CONNECTING


def test_what_waits_is_sent_up_to_the_window() -> None:
    assert after(*UP, Counted(5))[1] == [Send(2)]
    assert after(*UP, Counted(5), Sent(frozenset({A})), Counted(5))[1] == [Send(1)]
    assert after(*UP, Counted(5), Sent(frozenset({A, B})), Counted(5))[1] == []


def test_an_ack_makes_room_for_the_next_chunk() -> None:
    facts, commands = after(*UP, Counted(5), Sent(frozenset({A, B})), Acked(A, True, 2))
    assert commands == [Send(1)]
    assert facts.in_flight == {B}


def test_the_window_follows_the_server() -> None:
    facts, commands = after(*UP, Counted(9), Sent(frozenset({A, B})), Acked(A, True, 5))
    assert commands == [Send(4)]
    assert after(Acked(B, True, 0), facts=facts)[0].window == 1


def test_a_window_without_bounds_is_not_granted() -> None:
    facts, _ = after(Enabled(on=True), Linked(window=2**62, can_accept=True))
    assert facts.window == LARGEST_WINDOW
    assert after(Acked(A, True, 2**62), facts=facts)[0].window == LARGEST_WINDOW


@pytest.mark.parametrize(("wanted", "granted"), [(-5, 50), (1, 50), (0, 1_000), (2**62, 60_000)])
def test_a_pause_that_makes_no_sense_is_not_granted(wanted: int, granted: int) -> None:
    assert after(*UP, Flow(can_accept=False, retry_after_ms=wanted))[1] == [ArmProbe(granted)]


def test_holds_without_an_ack_between_them_last_longer_and_longer() -> None:
    no = Flow(can_accept=False, retry_after_ms=1)
    pauses = [after(*UP, *[no] * count)[1] for count in (1, 2, 3, 20)]
    assert pauses == [[ArmProbe(50)], [ArmProbe(100)], [ArmProbe(200)], [ArmProbe(10_000)]]
    assert after(*UP, *[no] * 20, Acked(A, True, 2), no)[1] == [ArmProbe(50)]


def test_nothing_is_in_flight_when_nothing_is_pending() -> None:
    facts, _ = after(*UP, Counted(1), Sent(frozenset({A})), Counted(0))
    assert facts.in_flight == frozenset()
    assert derived_state(facts) is SyncState.IDLE


@pytest.mark.parametrize(
    "hold", [Flow(can_accept=False), Acked(A, False, 2), Linked(2, can_accept=False)]
)
def test_every_hold_arms_a_probe(hold: Event) -> None:
    up = (Enabled(on=True),) if isinstance(hold, Linked) else UP
    facts, commands = after(*up, Counted(3), hold)
    assert ArmProbe(1_000) in commands
    assert derived_state(facts) is SyncState.HELD


def test_the_probe_waits_as_long_as_the_server_asks() -> None:
    assert after(*UP, Flow(can_accept=False, retry_after_ms=7_000))[1] == [ArmProbe(7_000)]


def test_a_probe_is_one_chunk_and_the_next_probe_is_armed() -> None:
    facts, commands = after(*UP, Counted(3), Flow(can_accept=False), ProbeDue())
    assert commands == [ArmProbe(1_000), Send(1)]
    again = after(Sent(frozenset({A})), ProbeDue(), facts=facts)[1]
    assert again == [ArmProbe(1_000)]


def test_the_go_lets_everything_flow_again() -> None:
    facts, commands = after(*UP, Counted(3), Flow(can_accept=False), Flow(can_accept=True))
    assert commands == [Send(2)]
    assert derived_state(facts) is SyncState.SYNCING


def test_a_lost_connection_forgets_what_was_in_flight_and_tries_again() -> None:
    facts, commands = after(*UP, Counted(2), Sent(frozenset({A})), Unlinked())
    assert commands == [ArmRetry()]
    assert facts.in_flight == frozenset()
    assert derived_state(facts) is SyncState.OFFLINE
    assert after(RetryDue(), facts=facts)[1] == [Connect()]


def test_a_refused_sign_in_waits_for_a_person() -> None:
    facts, commands = after(*UP, Blocked("unauthorized"))
    assert commands == [Disconnect()]
    assert derived_state(facts) is SyncState.ERROR
    assert after(RetryDue(), facts=facts)[1] == []
    assert after(Cleared(), facts=facts)[1] == [Connect()]


def test_a_passing_block_ends_with_the_next_attempt() -> None:
    facts, commands = after(*UP, Blocked("spool", passing=True))
    assert commands == [Disconnect(), ArmRetry()]
    assert after(RetryDue(), facts=facts)[1] == [Connect()]


def test_a_deferred_chunk_gives_its_place_to_another() -> None:
    facts, commands = after(*UP, Counted(3), Sent(frozenset({A, B})), Deferred(A, 500))
    assert commands == [ArmDeferral(A, 500), Send(1)]
    facts, commands = after(Sent(frozenset({C})), DeferralDue(A), facts=facts)
    assert facts.deferred == frozenset()
    assert commands == []


def test_a_released_chunk_is_not_awaited() -> None:
    facts, commands = after(*UP, Counted(3), Sent(frozenset({A, B})), Released(frozenset({A})))
    assert facts.in_flight == {B}
    assert commands == [Send(1)]


def test_no_target_means_no_connection() -> None:
    facts, commands = after(*UP, Enabled(on=False))
    assert commands == [Disconnect()]
    assert after(RetryDue(), Cleared(), facts=facts)[1] == []


@pytest.mark.parametrize(
    "late", [Linked(2, can_accept=True), Acked(A, True, 2), Flow(can_accept=True), ProbeDue()]
)
def test_what_comes_late_from_an_ended_connection_changes_nothing(late: Event) -> None:
    facts, _ = after(*UP, Counted(2), Unlinked())
    assert step(facts, late) == (facts, [])


# ------------------------------------------------------------------------- random walk


class World:
    """A model of spool, network and server around the machine; time passes only on demand."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.facts = Facts()
        self.recorded = 0
        self.acked: set[Key] = set()
        self.refused: set[Key] = set()
        self.stored: set[Key] = set()
        self.to_server: list[Key] = []
        self.to_client: list[tuple[str, Key]] = []
        self.timers: set[object] = set()
        self.dialling = False
        self.window = 3
        self.holding = False
        self.told_to_hold = False
        self.seen: Counter[str] = Counter()

    # --- the client

    def tell(self, event: Event) -> None:
        self.facts, commands = step(self.facts, event)
        for command in commands:
            self.seen[type(command).__name__] += 1
            self.obey(command)

    def obey(self, command: Command) -> None:
        match command:
            case Connect():
                self.dialling = True
            case Disconnect():
                self.hang_up()
            case ArmRetry():
                self.timers.add("retry")
            case ArmProbe():
                self.timers.add("probe")
            case ArmDeferral(key):
                self.timers.add(key)
            case Send(slots):
                assert self.facts.link is Link.UP
                busy = self.facts.in_flight | self.facts.deferred
                waiting = [key for key in self.waiting() if key not in busy][:slots]
                assert len(self.facts.in_flight) + len(waiting) <= self.facts.window
                self.to_server += waiting
                self.facts, _ = step(self.facts, Sent(frozenset(waiting)))

    def waiting(self) -> list[Key]:
        keys = [("s", number) for number in range(self.recorded)]
        return [key for key in keys if key not in self.acked | self.refused]

    def count(self) -> None:
        self.tell(Counted(len(self.waiting())))

    def hang_up(self) -> None:
        self.to_server.clear()
        self.to_client.clear()
        self.dialling = self.told_to_hold = False
        self.timers -= {timer for timer in self.timers if timer != "retry"}

    def read(self, word: str, key: Key) -> None:
        match word:
            case "ack":
                self.acked.add(key)
                self.count()
                self.tell(Acked(key, not self.holding, self.window))
            case "wrong-hash":
                self.tell(Deferred(key, 1_000))
            case "busy":
                self.tell(Flow(can_accept=False, retry_after_ms=50))
                self.tell(Released(frozenset({key})))
            case "retry":
                self.tell(Deferred(key, 50))
            case "never":
                if key not in self.acked:
                    self.refused.add(key)
                self.count()
                self.tell(Released(frozenset({key})))
            case "hold":
                self.tell(Flow(can_accept=False, retry_after_ms=50))
            case "go":
                self.tell(Flow(can_accept=True))

    # --- what may happen

    def record(self) -> None:
        self.recorded += 1
        self.count()

    def answer(self, faulty: bool) -> None:
        if not self.to_server:
            return
        key = self.to_server.pop(0)
        word = "ack"
        if faulty:
            word = self.rng.choice(["ack", "ack", "ack", "busy", "retry", "never", "wrong-hash"])
        elif self.holding:
            word = "busy"
        if word == "ack":
            self.stored.add(key)
        self.to_client.append((word, key))

    def hear(self) -> None:
        if self.to_client:
            self.read(*self.to_client.pop(0))

    def lose_an_answer(self) -> None:
        if self.to_client:
            del self.to_client[self.rng.randrange(len(self.to_client))]
            self.seen["lost"] += 1

    def repeat_an_answer(self) -> None:
        if self.to_client:
            self.to_client.append(self.rng.choice(self.to_client))

    def drop_the_link(self) -> None:
        self.hang_up()
        self.tell(Unlinked())

    def finish_dialling(self, faulty: bool) -> None:
        if self.dialling:
            self.dialling = False
            fails = faulty and self.rng.random() < 0.5
            self.tell(Unlinked() if fails else Linked(self.window, not self.holding))

    def switch_the_hold(self) -> None:
        self.holding = not self.holding
        if self.facts.link is Link.UP and self.rng.random() < 0.7:  # else the signal is lost
            self.to_client.append(("hold" if self.holding else "go", ("", 0)))

    def fire_a_timer(self) -> None:
        if not self.timers:
            return
        timer = self.rng.choice(sorted(self.timers, key=str))
        self.timers.discard(timer)
        if timer == "retry":
            self.tell(RetryDue())
        elif timer == "probe":
            self.tell(ProbeDue())
        else:
            assert isinstance(timer, tuple)
            self.tell(DeferralDue(timer))

    def watchdog(self) -> None:
        if self.facts.in_flight and not self.to_server and not self.to_client:
            self.drop_the_link()

    def change_the_window(self) -> None:
        self.window = self.rng.randint(1, 5)

    def block(self) -> None:
        self.hang_up()
        self.tell(Blocked("spool", passing=True))

    def stumble(self) -> None:
        """One random thing, faults included."""
        actions = [
            *[self.record, self.hear, lambda: self.answer(faulty=True)] * 4,
            *[self.fire_a_timer, lambda: self.finish_dialling(faulty=True)] * 3,
            self.lose_an_answer,
            self.repeat_an_answer,
            self.drop_the_link,
            self.switch_the_hold,
            self.change_the_window,
            self.block,
            lambda: self.tell(Enabled(on=self.rng.random() < 0.8)),
        ]
        self.rng.choice(actions)()

    def recover(self) -> None:
        """Everything that a healthy world does, until nothing changes any more."""
        if self.holding:
            self.holding = False  # and the go is lost
        self.tell(Enabled(on=True))
        for _ in range(40 + 12 * self.recorded):
            self.finish_dialling(faulty=False)
            self.answer(faulty=False)
            self.hear()
            self.fire_a_timer()
            self.watchdog()

    def check(self) -> None:
        assert self.acked <= self.stored
        if self.facts.link is not Link.UP:
            assert self.facts.in_flight == frozenset()
        if self.facts.link is Link.UP and not self.facts.open:
            assert "probe" in self.timers
        if self.facts.link is Link.DOWN and self.facts.enabled:
            assert "retry" in self.timers
        assert set(self.facts.deferred) <= self.timers


@pytest.mark.parametrize("number", range(60))
def test_everything_is_delivered_once_the_faults_stop(number: int) -> None:
    world = World(random.Random(number))
    world.tell(Enabled(on=True))
    for _ in range(200):
        world.stumble()
        world.check()

    world.recover()

    assert world.waiting() == []
    assert derived_state(world.facts) is SyncState.IDLE
    assert world.seen["Send"] > 0


def test_the_random_walk_meets_every_command() -> None:
    seen: Counter[str] = Counter()
    for number in range(20):
        world = World(random.Random(number))
        world.tell(Enabled(on=True))
        for _ in range(200):
            world.stumble()
        seen += world.seen
    names = {"Connect", "Disconnect", "ArmRetry", "ArmProbe", "ArmDeferral", "Send", "lost"}
    assert names <= set(seen)
