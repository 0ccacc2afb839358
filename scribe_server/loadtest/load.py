"""All recorders of one process: connected, kept to the schedule, drained, stopped."""

import asyncio
import gc
import heapq
import logging
import random
import time
from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from scribe_server.loadtest.dialling import Dialler
from scribe_server.loadtest.herd import HerdWatch
from scribe_server.loadtest.job import (
    Connected,
    Counts,
    Drained,
    FromWorker,
    Job,
    Progress,
    Result,
    SessionResult,
)
from scribe_server.loadtest.material import Material
from scribe_server.loadtest.plan import Pace, cut_points
from scribe_server.loadtest.recorder import Character, Recorder, World
from scribe_server.loadtest.together import each
from scribe_server.store.clock import now_ms
from scribe_server.tasks import Tasks

log = logging.getLogger(__name__)

_CONNECTING: Final = 64
_STOPPING: Final = 50
_ANSWER_S: Final = 120.0
_STOP_ROUNDS: Final = 3
_POLL_S: Final = 0.05
_PROGRESS_S: Final = 0.5
_BURST: Final = 20
"""Chunks handed out in a row before the loop may read acknowledgements."""


Schedule = list[tuple[float, int, Recorder, Iterator[float]]]
"""A heap of (seconds after the start, session, its recorder, when its later chunks are due)."""


class Load:
    """One worker's sessions. `tell` sends a message to the command."""

    def __init__(
        self, job: Job, variants: Sequence[bytes], tell: Callable[[FromWorker], None]
    ) -> None:
        self._job = job
        self._tell = tell
        self._counts = Counts()
        self._latencies = array("d")
        self._slips = array("d")
        self._recent = 0
        self._phase = "connecting"
        self._tasks = Tasks()
        rng = random.Random(f"{job.plan.seed} worker {job.first}")  # noqa: S311
        self._dialler = Dialler(job, self._counts, rng)
        self._first_due: float | None = None
        self._last_ack: float | None = None
        self._world = World(
            material=Material(variants),
            counts=self._counts,
            latencies=self._acked,
            clock=time.perf_counter,
            later=_later,
            wall_ms=now_ms,
        )
        self._recorders = [self._recorder(index) for index in self._indexes()]
        herd = [recorder for recorder in self._recorders if recorder.index < job.behaviour.herd]
        self._herd = HerdWatch(herd, time.perf_counter)

    async def run(self, go: Awaitable[float]) -> Result:
        """Connect, wait for the word to begin, send everything, drain, stop.

        Raises:
            ConnectError: the server cannot be reached, or refuses at the beginning.
        """
        self._tasks.start(self._report(), "report progress")
        try:
            rate = self._job.connects_per_s
            await each(self._recorders, _CONNECTING, self._dialler.first, per_s=rate)
            schedule = self._schedule()
            gc.collect()
            gc.freeze()
            gc.disable()  # its pauses would count as the server's latency
            self._tell(Connected(len(self._recorders)))
            start = await go
            await asyncio.sleep(max(0.0, start - time.perf_counter()))
            cpu = time.process_time()
            self._phase = "sending"
            await self._send_all(start, schedule)
            self._phase = "draining"
            await self._drain()
            cpu = time.process_time() - cpu
            gc.enable()
            self._tell(Drained())
            self._phase = "receipts"
            await each(self._recorders, _STOPPING, self._settle)
            return self._result(cpu)
        finally:
            await self._dialler.close()
            await self._tasks.drain(0)

    def _indexes(self) -> range:
        return range(self._job.first, self._job.plan.sessions, self._job.step)

    def _recorder(self, index: int) -> Recorder:
        plan, behaviour = self._job.plan, self._job.behaviour
        planned = plan.planned(index)
        character = Character(
            user_id=self._job.user_id,
            deaf=behaviour.deaf and index % 2 == 0,
            replay_every=behaviour.replay_every,
            cut_after=cut_points(planned, behaviour.cuts),
        )
        recorder = Recorder(index, plan.session_id(index), planned, self._world, character)
        self._dialler.watch(recorder)
        return recorder

    # ----------------------------------------------------------------------------- load

    async def _send_all(self, start: float, schedule: Schedule) -> None:
        plan = self._job.plan
        self._tasks.start(self._herd.run(self._herd_is_due(start)), "reconnect herd")
        if plan.pace is not Pace.FLOOD:
            await self._keep(start, schedule)
            return
        self._first_due = time.perf_counter()
        for recorder in self._recorders:
            recorder.begin_flood()
        if plan.seconds is not None:
            await asyncio.sleep(plan.seconds)
            for recorder in self._recorders:
                recorder.end_flood()

    def _schedule(self) -> Schedule:
        """What is due next of each session, soonest first."""
        schedule: Schedule = []
        for recorder in self._recorders:
            dues = self._job.plan.dues(recorder.index)
            if (due := next(dues, None)) is not None:
                schedule.append((due, recorder.index, recorder, dues))
        heapq.heapify(schedule)
        return schedule

    async def _keep(self, start: float, schedule: Schedule) -> None:
        """Hand out every chunk when it is due."""
        self._first_due = start + schedule[0][0] if schedule else None
        handed = 0
        while schedule:
            due, index, recorder, dues = schedule[0]
            late = time.perf_counter() - start - due
            if late < 0:
                await asyncio.sleep(-late)
                continue
            self._slips.append(late * 1000)
            recorder.record(start + due)
            following = next(dues, None)
            if following is None:
                heapq.heappop(schedule)
            else:
                heapq.heapreplace(schedule, (following, index, recorder, dues))
            handed += 1
            if handed % _BURST == 0:
                await asyncio.sleep(0)

    def _herd_is_due(self, start: float) -> Callable[[], bool]:
        """Half of the load is done."""
        plan = self._job.plan
        if plan.pace is Pace.FLOOD and plan.seconds is not None:
            middle = start + plan.seconds / 2
            return lambda: time.perf_counter() >= middle
        half = sum(recorder.planned for recorder in self._recorders) / 2
        return lambda: self._counts.acked >= half

    async def _drain(self) -> None:
        """Wait for the open answers, as long as some come."""
        acked, since = self._counts.acked, time.perf_counter()
        # Polled, because a callback for each acknowledgement would cost more.
        while any(r.busy or r.recorded < r.planned for r in self._recorders):
            await asyncio.sleep(_POLL_S)
            if self._counts.acked != acked:
                acked, since = self._counts.acked, time.perf_counter()
            elif time.perf_counter() - since > self._job.drain_s:
                log.warning("nothing was acknowledged for %g s: giving up", self._job.drain_s)
                return

    def _acked(self, latency_ms: float) -> None:
        self._latencies.append(latency_ms)
        self._last_ack = time.perf_counter()

    # --------------------------------------------------------------------------- ending

    async def _settle(self, recorder: Recorder) -> None:
        """Stop a session and wait for its receipt; what the server lacks is sent again."""
        settled = asyncio.Event()
        recorder.on_settled = settled.set
        for _ in range(_STOP_ROUNDS):
            settled.clear()
            recorder.stop(receipt=self._job.receipts)
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await settled.wait()
                    if recorder.stopped in {"receipt", "refused", "stopped"}:
                        return
                    while recorder.busy or not recorder.ready:  # noqa: ASYNC110 - as above
                        await asyncio.sleep(_POLL_S)
            except TimeoutError:
                log.warning("session %d: no receipt in %g s", recorder.index, _ANSWER_S)
                return

    def _result(self, cpu_s: float) -> Result:
        return Result(
            counts=self._counts,
            latencies=self._latencies.tobytes(),
            slips=self._slips.tobytes(),
            sessions=[
                SessionResult(
                    r.index, r.recorded, r.unacked, self._job.receipts and r.recorded > 0, r.receipt
                )
                for r in self._recorders
            ],
            herd=self._herd.times,
            first_due=self._first_due,
            last_ack=self._last_ack,
            cpu_s=cpu_s,
        )

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            recent = self._latencies[self._recent :].tolist()
            self._recent = len(self._latencies)
            self._tell(Progress(self._counts, recent, self._phase))


def _later(delay_s: float, work: Callable[..., None], *arguments: Any) -> None:
    asyncio.get_running_loop().call_later(delay_s, work, *arguments)
