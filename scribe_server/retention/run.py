"""One run of retention over all sessions: what is due is moved, each session by itself."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from scribe_server.retention.cleaning import clean
from scribe_server.retention.clock import Mark, doubted_ms, is_believed, uptime_ms
from scribe_server.retention.facts import Candidate, candidate, candidates, marks
from scribe_server.retention.moving import ChangedError, ChunkDamagedError, IsDue, Mover
from scribe_server.retention.policy import Decision, Rules, Step, decide
from scribe_server.retention.runs import Counts, begin_run, end_run, note_problem
from scribe_server.store import Store
from scribe_server.store.damage import mark_damaged
from scribe_server.store.deletion import HeldError
from scribe_server.store.errors import StorageError

log = logging.getLogger(__name__)

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Planned:
    """A session that is old enough for something, and what is to be done with it."""

    candidate: Candidate
    decision: Decision


@dataclass(frozen=True, slots=True)
class Failure:
    """A session that could not be moved."""

    uuid: str
    user: str
    step: Step
    reason: str


@dataclass(slots=True)
class Outcome:
    """What a run did. `refused` says why it did nothing at all."""

    started_at: int
    refused: str | None = None
    counts: Counts = field(default_factory=Counts)
    failures: list[Failure] = field(default_factory=list)


def plan(connection: Connection, rules: Rules, now: int) -> list[Planned]:
    """What a run at this time would do; reads only."""
    return [
        Planned(one, decide(one.facts, rules, now)) for one in candidates(connection, rules, now)
    ]


def doubt(connection: Connection, now: int, uptime: int) -> str | None:
    """Why the clock is not believed; None when it is."""
    looks = [*marks(connection), Mark(now, uptime)]
    if is_believed(looks):
        return None
    hours = doubted_ms(looks) // _HOUR_MS
    return (
        f"the clock is {hours} hours ahead of what the books and the machine's uptime tell; "
        "nothing is moved. If it is right: retention run --yes-the-clock-is-right"
    )


class Retention:
    """Runs over one store; whoever has it holds the folder's lock, so there is no other.

    Args:
        store: whose sessions.
        rules: the settings.
        uptime: the machine's, in ms.
        forget: told the UUID of each session whose audio is gone, for what was made of it.
    """

    def __init__(
        self,
        store: Store,
        rules: Rules,
        uptime: Callable[[], int] = uptime_ms,
        forget: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._rules = rules
        self._uptime = uptime
        self._forget = forget
        self._mover = Mover(store)
        self._one_at_a_time = asyncio.Lock()

    def stop(self) -> None:
        """Let what is being written or read back end soon, with an error; it is done again."""
        self._mover.stop()

    async def run(self, *, clock_is_right: bool = False) -> Outcome:
        """Move everything that is due. What fails is counted, logged and kept, and stops no other.

        Args:
            clock_is_right: a person says so; else a clock that has jumped ahead is not believed.

        Raises:
            StorageError: the database failed.
        """
        async with self._one_at_a_time:
            return await self._run(clock_is_right=clock_is_right)

    async def _run(self, *, clock_is_right: bool) -> Outcome:
        store = self._store
        outcome = Outcome(store.clock())
        uptime = self._uptime()
        if not clock_is_right:
            outcome.refused = await store.database.read(
                lambda found: doubt(found, outcome.started_at, uptime)
            )
        run = await store.write(
            lambda found: begin_run(found, outcome.started_at, uptime, outcome.refused)
        )
        if outcome.refused is not None:
            log.warning("retention: %s", outcome.refused)
            return outcome
        await clean(store)
        for planned in await store.database.read(
            lambda found: plan(found, self._rules, outcome.started_at)
        ):
            await self._take(planned, outcome)
        await clean(store)
        await store.write(lambda found: end_run(found, run, store.clock(), outcome.counts))
        log.info("retention: %s", outcome.counts)
        return outcome

    async def _take(self, planned: Planned, outcome: Outcome) -> None:
        step = planned.decision.step
        if step is Step.STAY:
            return
        if step is Step.BLOCKED:
            outcome.counts.blocked += 1
            return
        try:
            await self._move(planned.candidate, step, outcome)
        except (ChangedError, HeldError) as error:
            log.info("session %s stays as it is: %s", planned.candidate.uuid, error)
            outcome.counts.blocked += 1
        except Exception as error:  # one session must not keep the others from being moved
            expected = isinstance(error, StorageError)
            log.error(
                "session %s: %s failed: %s",
                planned.candidate.uuid,
                step.value,
                error,
                exc_info=None if expected else error,
            )
            await self._keep(planned.candidate, step, error, outcome)

    async def _move(self, one: Candidate, step: Step, outcome: Outcome) -> None:
        counts = outcome.counts
        is_due = self._is_due(one.session, step, outcome.started_at)
        if step is Step.ARCHIVE:
            counts.bytes += await self._mover.archive(one.session, is_due)
            counts.archived += 1
        elif step is Step.COOL:
            counts.bytes += await self._mover.cool(one.session, is_due)
            counts.cooled += 1
            await asyncio.to_thread(self._forget, one.uuid)
        elif step is Step.REMOVE:
            delete = self._store.deletion.delete
            if not await delete(one.owner, one.user, one.uuid, only_if=is_due):
                raise ChangedError("it is not due any more")
            counts.removed += 1
            await asyncio.to_thread(self._forget, one.uuid)

    def _is_due(self, session: int, step: Step, now: int) -> IsDue:
        def asked(connection: Connection) -> bool:
            found = candidate(connection, session, self._rules)
            return found is not None and decide(found.facts, self._rules, now).step is step

        return asked

    async def _keep(self, one: Candidate, step: Step, error: Exception, outcome: Outcome) -> None:
        reason = str(error) or type(error).__name__
        outcome.counts.failed += 1
        outcome.failures.append(Failure(one.uuid, one.user, step, reason))
        store = self._store

        def work(connection: Connection) -> None:
            if isinstance(error, ChunkDamagedError):
                # Counts as missing from now on, so that whoever has it sends it again.
                mark_damaged(connection, one.session, [error.row], store.blobs)
            note_problem(connection, one.session, step, reason, store.clock())

        await store.write(work)
