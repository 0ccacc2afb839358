"""The rules of sending, without any input or output: events in, commands out.

Facts are kept and the state is derived from them. Three rules hold it together:
1. the durable effect comes first, then the machine is told (`Acked` follows the commit);
2. `pending` is counted on the sync thread only, and zero clears what is in flight;
3. every hold arms a probe timer, because the "go" can be lost.
"""

from dataclasses import replace

from scribe_desktop.model import SyncState
from scribe_desktop.sync.events import (
    DEFAULT_HOLD_MS,
    LARGEST_WINDOW,
    LEAST_HOLD_MS,
    LONGEST_PAUSE_MS,
    MOST_PATIENT_HOLD_MS,
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
    Link,
    Linked,
    ProbeDue,
    Released,
    RetryDue,
    Send,
    Sent,
    Unlinked,
)


def derived_state(facts: Facts) -> SyncState:
    """The one word for the facts; an error outweighs everything."""
    if facts.blocked:
        return SyncState.ERROR
    if not facts.enabled or facts.link is Link.DOWN:
        return SyncState.OFFLINE
    if facts.link is Link.CONNECTING:
        return SyncState.CONNECTING
    if facts.pending == 0:
        return SyncState.IDLE
    return SyncState.SYNCING if facts.open else SyncState.HELD


Step = tuple[Facts, list[Command]]


def step(facts: Facts, event: Event) -> Step:
    """The facts after an event, and what to do now."""
    match event:
        case Enabled() | RetryDue() | Linked() | Unlinked() | Blocked() | Cleared():
            return _link_step(facts, event)
        case Acked() | Flow() | ProbeDue():
            return _flow_step(facts, event)
        case _:
            return _chunk_step(facts, event)


def _link_step(
    facts: Facts, event: Enabled | RetryDue | Linked | Unlinked | Blocked | Cleared
) -> Step:
    result: Step = (facts, [])
    match event:
        case Enabled(on):
            result = _attempt(replace(facts, enabled=True)) if on else _disabled(facts)
        case RetryDue():
            result = _attempt(replace(facts, blocked="" if facts.passing else facts.blocked))
        case Cleared():
            result = _attempt(replace(facts, blocked=""))
        case Linked(window, can_accept):
            result = _linked(facts, window, can_accept)
        case Unlinked():
            is_news = facts.link is not Link.DOWN
            result = _down(facts), [ArmRetry()] if is_news else []
        case Blocked(code, passing):
            commands: list[Command] = [] if facts.link is Link.DOWN else [Disconnect()]
            if passing:
                commands.append(ArmRetry())
            result = replace(_down(facts), blocked=code, passing=passing), commands
    return result


def _flow_step(facts: Facts, event: Acked | Flow | ProbeDue) -> Step:
    if facts.link is not Link.UP:
        return facts, []
    result: Step = (facts, [])
    match event:
        case Acked(key, can_accept, window):
            left = facts.in_flight - {key}
            acked = replace(facts, in_flight=left, window=_window(window), probing=False, holds=0)
            result = _flowing(acked, can_accept, DEFAULT_HOLD_MS)
        case Flow(can_accept, retry_after):
            holds = facts.holds if can_accept else facts.holds + 1
            flowing = replace(facts, probing=False, holds=holds)
            result = _flowing(flowing, can_accept, _pause_ms(retry_after, facts.holds))
        case ProbeDue():
            if not facts.open:
                result = _filled(replace(facts, probing=True), [ArmProbe(DEFAULT_HOLD_MS)])
    return result


def _chunk_step(facts: Facts, event: Counted | Sent | Released | Deferred | DeferralDue) -> Step:
    in_flight, deferred = facts.in_flight, facts.deferred
    result: Step = (facts, [])
    match event:
        case Sent(keys):
            result = replace(facts, in_flight=in_flight | keys), []
        case Counted(pending):
            left = in_flight if pending else frozenset()
            result = _filled(replace(facts, pending=pending, in_flight=left), [])
        case Released(keys):
            kept = replace(facts, in_flight=in_flight - keys, deferred=deferred - keys)
            result = _filled(kept, [])
        case Deferred(key, retry_after_ms):
            if facts.link is Link.UP:
                later = replace(facts, in_flight=in_flight - {key}, deferred=deferred | {key})
                result = _filled(later, [ArmDeferral(key, retry_after_ms)])
        case DeferralDue(key):
            result = _filled(replace(facts, deferred=deferred - {key}), [])
    return result


def _linked(facts: Facts, window: int, can_accept: bool) -> Step:
    if facts.link is not Link.CONNECTING:
        return facts, []
    return _flowing(
        replace(facts, link=Link.UP, window=_window(window)), can_accept, DEFAULT_HOLD_MS
    )


def _window(wanted: int) -> int:
    """A server that allows too much, or nothing, is not taken at its word."""
    return min(max(1, wanted), LARGEST_WINDOW)


def _pause_ms(wanted: int | None, holds: int) -> int:
    least = min(LEAST_HOLD_MS << min(holds, 16), MOST_PATIENT_HOLD_MS)
    return min(max(wanted or DEFAULT_HOLD_MS, least), LONGEST_PAUSE_MS)


def _attempt(facts: Facts) -> Step:
    if not facts.enabled or facts.blocked or facts.link is not Link.DOWN:
        return facts, []
    return replace(facts, link=Link.CONNECTING), [Connect()]


def _disabled(facts: Facts) -> Step:
    commands: list[Command] = [] if facts.link is Link.DOWN else [Disconnect()]
    return replace(_down(facts), enabled=False), commands


def _down(facts: Facts) -> Facts:
    return replace(
        facts,
        link=Link.DOWN,
        open=False,
        probing=False,
        holds=0,
        in_flight=frozenset(),
        deferred=frozenset(),
    )


def _flowing(facts: Facts, can_accept: bool, hold_ms: int) -> Step:
    """The server takes chunks or not; a hold always comes with a probe."""
    return _filled(replace(facts, open=can_accept), [] if can_accept else [ArmProbe(hold_ms)])


def _filled(facts: Facts, commands: list[Command]) -> Step:
    """Add the command to send, when something waits and the window has room."""
    if facts.link is not Link.UP or not facts.enabled or facts.blocked:
        return facts, commands
    if facts.open:
        slots = facts.window - len(facts.in_flight)
    else:
        slots = 1 if facts.probing and not facts.in_flight else 0
    waiting = facts.pending - len(facts.in_flight) - len(facts.deferred)
    if slots > 0 and waiting > 0:
        return facts, [*commands, Send(slots)]
    return facts, commands
