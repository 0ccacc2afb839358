"""The sync thread's inside: runs the machine and its timers, and reports."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import msgspec

from scribe_desktop.errors import ScribeError, SpoolError
from scribe_desktop.model import SyncStatus
from scribe_desktop.spool import Spool
from scribe_desktop.sync import events, reasons
from scribe_desktop.sync.backoff import Backoff
from scribe_desktop.sync.calls import Calls, Listener
from scribe_desktop.sync.conversation import Conversation
from scribe_desktop.sync.link import (
    EARLY_PATIENCE,
    LATE_PATIENCE,
    ConnectionFactory,
    ConnectRefusedError,
)
from scribe_desktop.sync.machine import step
from scribe_desktop.sync.report import Report
from scribe_desktop.sync.target import ServerTarget
from scribe_desktop.sync.tasks import Tasks
from scribe_desktop.sync.timers import Timers
from scribe_server import protocol

log = logging.getLogger(__name__)

TICK_S: Final = 0.25
LOOK_EVERY: Final = 20
"""Ticks between two looks into the spool, in case a wake-up was lost."""
PROVEN_S: Final = 10.0
"""A connection that lasted so long ends an outage, also when nothing was to be sent."""

STRANGER_S: Final = 5.0
"""So often a server that is not the expected one is asked who it is."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the driver is given: its clock, chance, ids, and whom to tell."""

    device_id: str
    on_status: Callable[[SyncStatus], None]
    on_session: Callable[[str], None]
    clock: Callable[[], int]
    make_connection: ConnectionFactory
    uniform: Callable[[float, float], float] = random.uniform
    new_id: Callable[[], str] = lambda: str(uuid4())


class Driver:
    """Lives on the loop of the sync thread; every method is called there."""

    def __init__(self, spool: Spool, surroundings: Surroundings) -> None:
        self._spool = spool
        self._around = surroundings
        self._facts = events.Facts()
        self._queue: deque[events.Event] = deque()
        self._backoff = Backoff(surroundings.uniform)
        self._report = Report(surroundings.on_status)
        self._timers = Timers()
        self._tasks = Tasks(self._failed)
        self._paused = False
        self._stirred = asyncio.Event()
        self._calls = Calls(
            spool,
            self._tasks,
            Listener(
                apply=self._apply,
                facts=lambda: self._facts,
                changed=self._changed,
                note=self._report.error,
                failed=self._failed,
                answered=self._answered,
            ),
            make_connection=surroundings.make_connection,
            device_id=surroundings.device_id,
            clock=surroundings.clock,
            new_id=surroundings.new_id,
        )

    # ------------------------------------------------------------------ what others want

    def begin(self) -> None:
        """Count the spool and keep watch from now on."""
        self.woken()
        self._tasks.spawn(self._keep_watch(), "sync-watch")

    def set_target(self, target: ServerTarget | None) -> None:
        """Deliver to this server from now on."""
        self._apply(events.Enabled(on=False))
        self._report.target = target
        self._clear()
        self._apply(events.Enabled(on=target is not None and not self._paused))
        self.woken()

    def set_paused(self, paused: bool) -> None:
        """Send nothing until this is called with False."""
        self._paused = paused
        self._apply(events.Enabled(on=self._report.target is not None and not paused))

    def send_now(self) -> None:
        """Try at once, whatever the back-off, a hold or a refusal said."""
        self._clear()
        self._apply(events.ProbeDue())
        self.woken()

    def accept_server_identity(self) -> None:
        """The person trusts the server that answers now."""
        target = self._report.target
        if target is not None and self._calls.identities.accept(target):
            self.send_now()

    def confirm(self, session_ids: Collection[str], tell: Callable[[frozenset[str]], None]) -> None:
        """Ask the server which of these sessions it holds, and tell; none when nobody answers."""
        self._calls.confirm(session_ids, tell)

    def woken(self) -> None:
        """Something is new in the spool."""
        try:
            self._report.awaiting_receipt = self._spool.count_awaiting_receipt()
            self._apply(events.Counted(self._spool.pending()))
            self._calls.woken()
        except SpoolError as error:
            self._failed(error)

    async def finished(self) -> None:
        """Return once waiting longer would deliver nothing more."""
        while not self._is_finished:
            self._stirred.clear()
            await self._stirred.wait()

    @property
    def _is_finished(self) -> bool:
        conversation = self._calls.conversation
        if self._facts.link is not events.Link.UP or conversation is None:
            return True
        can_send = self._facts.pending > len(self._facts.deferred) and self._facts.open
        return not can_send and not conversation.is_busy

    async def close(self) -> None:
        """End the connection politely, then the timers and the tasks."""
        self._apply(events.Enabled(on=False))
        self._timers.cancel()
        await self._tasks.cancel(but="sync-close")

    async def _keep_watch(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            ticks += 1
            try:
                self._calls.watch(asyncio.get_running_loop().time())
                if ticks % LOOK_EVERY == 0:
                    self.woken()
            except Exception as error:  # noqa: BLE001 - reported; the watch must not end
                self._failed(error)

    # ---------------------------------------------------------------------- the machine

    def _apply(self, event: events.Event) -> None:
        self._queue.append(event)
        if len(self._queue) > 1:
            return
        before = self._facts
        try:
            while self._queue:
                self._facts, commands = step(self._facts, self._queue[0])
                for command in commands:
                    self._execute(command)
                self._queue.popleft()
        finally:
            self._queue.clear()
        self._notice(before, self._facts)
        self._publish()

    def _notice(self, before: events.Facts, now: events.Facts) -> None:
        target = self._report.target
        if now.link is events.Link.UP and before.link is not events.Link.UP:
            self._report.no_error()
            self._backoff.connected()
            self._calls.timers.arm("proven", PROVEN_S, self._backoff.reset)
        if now.open and not before.open:
            self._report.no_hold()
        if now.blocked == reasons.IDENTITY_CHANGED != before.blocked and target is not None:
            self._tasks.spawn(self._calls.offer_identity(target), "sync-offer")

    def _publish(self) -> None:
        self._report.publish(self._facts)
        self._stirred.set()

    def _execute(self, command: events.Command) -> None:
        match command:
            case events.Connect():
                self._connect()
            case events.Disconnect():
                self._calls.hang_up()
            case events.ArmRetry():
                self._arm_retry()
            case events.ArmProbe(after_ms):
                self._arm("probe", after_ms, events.ProbeDue())
            case events.ArmDeferral(key, after_ms):
                self._arm(key, after_ms, events.DeferralDue(key))
            case events.Send(slots):
                self._send(slots)

    def _connect(self) -> None:
        target = self._report.target
        if target is None:
            return
        now_s = asyncio.get_running_loop().time()
        early = self._backoff.is_early(now_s)
        self._backoff.attempted(now_s)
        self._timers.disarm("retry")
        self._report.retry_at = None
        self._calls.connect(target, EARLY_PATIENCE if early else LATE_PATIENCE)

    def _send(self, slots: int) -> None:
        try:
            sent = self._calls.fill(slots)
        except SpoolError as error:
            self._failed(error)
            return
        self._facts, _ = step(self._facts, events.Sent(sent))

    def _arm(self, name: object, after_ms: int, event: events.Event) -> None:
        self._calls.timers.arm(name, after_ms / 1000, lambda: self._apply(event))

    def _arm_retry(self) -> None:
        stranger = self._facts.blocked == reasons.IDENTITY_CHANGED
        delay_s = self._backoff.delay_s(
            asyncio.get_running_loop().time(), at_least_s=STRANGER_S if stranger else 0.0
        )
        self._report.retry_at = self._around.clock() + int(delay_s * 1000)
        self._timers.arm("retry", delay_s, lambda: self._apply(events.RetryDue()))

    def _clear(self) -> None:
        self._backoff.reset()
        self._report.no_error()
        self._apply(events.Cleared())

    # ------------------------------------------------------------- what the calls report

    def _changed(self, session_id: str) -> None:
        self._report.awaiting_receipt = self._spool.count_awaiting_receipt()
        self._publish()
        self._around.on_session(session_id)

    def _answered(self, conversation: Conversation) -> None:
        acked_at = conversation.last_ack_at
        if acked_at is not None and acked_at != self._report.last_ack_at:
            self._report.last_ack_at = acked_at
            self._backoff.reset()
        self._publish()

    def _failed(self, error: BaseException) -> None:
        """A call, a task or the spool failed: show why, and try again where that may help."""
        if isinstance(error, ConnectRefusedError):
            self._refused(error)
        elif isinstance(error, SpoolError):
            self._block(reasons.SPOOL, error.message, passing=True)
        elif isinstance(error, msgspec.ValidationError):
            self._block(reasons.BAD_MESSAGE, f"{reasons.sentence(reasons.BAD_MESSAGE)} ({error})")
        elif isinstance(error, ScribeError):
            self._report.error("unreachable", error.message)
            self._apply(events.Unlinked())
        else:
            log.error("sync failed", exc_info=error)
            self._block(reasons.SYNC_FAILED, "", passing=True)

    def _refused(self, refusal: ConnectRefusedError) -> None:
        if refusal.code in _PASSING or _is_retryable(refusal.code):
            self._report.error(refusal.code, refusal.message)
            self._apply(events.Unlinked())
        else:
            # The right server may be back soon, for instance behind a load balancer.
            passing = refusal.code == reasons.IDENTITY_CHANGED
            self._block(refusal.code, refusal.message, passing=passing)

    def _block(self, code: str, message: str, *, passing: bool = True) -> None:
        self._report.error(code, message)
        self._apply(events.Blocked(code, passing))


_PASSING: Final = frozenset({reasons.BAD_MESSAGE})


def _is_retryable(code: str) -> bool:
    known = code in set(protocol.ErrorCode)
    return known and protocol.ERRORS[protocol.ErrorCode(code)].retryable
