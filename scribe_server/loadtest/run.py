"""One run from the beginning to the report."""

import asyncio
import os
import platform
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil

from scribe_server.loadtest import report
from scribe_server.loadtest.crew import Crew, total
from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.job import Counts, Job, Progress
from scribe_server.loadtest.material import Material, synthetic_variants
from scribe_server.loadtest.observe import Observer, Place, place_of
from scribe_server.loadtest.options import OVERLOAD_SYNC_MS, Options
from scribe_server.loadtest.outcome import Outcome, Seen
from scribe_server.loadtest.screen import Recent, Screen, View
from scribe_server.loadtest.server import OwnServer
from scribe_server.loadtest.verify import Verifier
from scribe_server.tasks import Tasks

VARIANTS: Final = 3
DEFAULT_USER: Final = "load-test"
_HEAD_START_S: Final = 0.3
_SHOW_EVERY_S: Final = 0.5


@dataclass(frozen=True)
class Target:
    """The server under load, as far as it is known."""

    url: str
    token: str | None
    pid: int | None
    place: Place | None


async def run(options: Options, screen: Screen) -> report.Report:
    """Make chunks, find or start a server, put it under load, and prove what it kept.

    Raises:
        LoadtestError: there is no result; the message says why.
    """
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    async with AsyncExitStack() as stack:
        stack.callback(screen.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scribe-loadtest-")))
        variants = await asyncio.to_thread(_variants, options)
        target = await stack.enter_async_context(_target(options, folder))
        paths = await asyncio.to_thread(_write, folder, variants)
        live = _Live(options, screen)
        crew = Crew(_jobs(options, target, paths), live.heard)
        await stack.enter_async_context(crew)
        observer = _observer(target, live)
        tasks = Tasks()
        stack.push_async_callback(tasks.drain, 0)
        live.observer = observer
        tasks.start(live.show(), "show progress")
        await crew.connected()
        if observer is not None:
            observer.begin()
            tasks.start(observer.run(), "observe the server")
        begin = time.perf_counter() + _HEAD_START_S
        await crew.begin(begin)
        live.began = begin
        await crew.drained()
        if observer is not None:
            await observer.end()
        results = await crew.results()
        live.phase = "verifying"
        verifier = Verifier(target.url, target.token, options.plan, Material(variants))
        sessions = [session for result in results for session in result.sessions]
        proof = await verifier.verify(sessions, options.bodies)
        seen = Seen() if observer is None else Seen(tuple(observer.samples), tuple(observer.kept))
        average = sum(map(len, variants)) // len(variants)
        outcome = Outcome(options, started_at, machine(), results, seen, proof, average)
        return outcome.to_report()


def machine() -> report.Machine:
    """Where this runs."""
    return report.Machine(
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        cpus=os.cpu_count() or 1,
        memory_bytes=int(psutil.virtual_memory().total),
    )


class _Live:
    """What is known while the load goes on, for the screen and for the observer."""

    def __init__(self, options: Options, screen: Screen) -> None:
        self.phase = "connecting"
        self.began: float | None = None
        self.observer: Observer | None = None
        self._expected = options.plan.expected()
        self._screen = screen
        self._counts: dict[int, Counts] = {}
        self._recent = Recent()

    def heard(self, worker: int, progress: Progress) -> None:
        """A worker has reported."""
        self._counts[worker] = progress.counts
        self._recent.add(progress.recent_ms)
        if self.phase != "verifying":
            self.phase = progress.phase

    def acked(self) -> int:
        """Chunks acknowledged so far."""
        return sum(counts.acked for counts in self._counts.values())

    async def show(self) -> None:
        """Show the newest state for ever."""
        while True:
            self._screen.show(self._view())
            await asyncio.sleep(_SHOW_EVERY_S)

    def _view(self) -> View:
        counts = total(list(self._counts.values()))
        seconds = 0.0 if self.began is None else time.perf_counter() - self.began
        p50, p99 = self._recent.percentiles()
        samples = self.observer.samples if self.observer is not None else []
        return View(
            phase=self.phase,
            counts=counts,
            expected=self._expected,
            kb_per_s=counts.acked_bytes / 1000 / seconds if seconds > 0 else 0.0,
            p50_ms=p50,
            p99_ms=p99,
            server=samples[-1] if samples else None,
        )


@asynccontextmanager
async def _target(options: Options, folder: Path) -> AsyncIterator[Target]:
    if options.url is not None:
        pid = options.server_pid
        place = None if pid is None else await asyncio.to_thread(place_of, pid)
        yield Target(options.url, options.token, pid, place)
        return
    delay_ms = OVERLOAD_SYNC_MS if options.scenario.overload else 0.0
    user = options.user_id or DEFAULT_USER
    async with OwnServer(folder, user=user, sync_delay_ms=delay_ms) as server:
        place = Place(server.data_dir, server.data_dir / "segments")
        yield Target(server.url, server.token, server.pid, place)


def _observer(target: Target, live: _Live) -> Observer | None:
    if target.pid is None:
        return None
    try:
        return Observer(target.pid, target.place, live.acked)
    except psutil.Error as error:
        raise LoadtestError(
            f"There is no process {target.pid} that may be looked at: check --server-pid."
        ) from error


def _variants(options: Options) -> list[bytes]:
    rng = random.Random(options.plan.seed)  # noqa: S311 - a seed makes a run repeatable
    if options.chunk_bytes is not None:
        return synthetic_variants(options.chunk_bytes, VARIANTS, rng)
    from scribe_server.loadtest.speech import speech_variants

    return speech_variants(VARIANTS, rng)


def _write(folder: Path, variants: list[bytes]) -> list[str]:
    paths = [folder / f"variant-{number}.webm" for number in range(len(variants))]
    for path, variant in zip(paths, variants, strict=True):
        path.write_bytes(variant)
    return [str(path) for path in paths]


def _jobs(options: Options, target: Target, paths: list[str]) -> list[Job]:
    processes = min(options.processes, options.plan.sessions)
    return [
        Job(
            url=target.url,
            token=target.token,
            user_id=options.user_id,
            plan=options.plan,
            behaviour=options.scenario.behaviour(),
            variants=paths,
            first=first,
            step=processes,
            connects_per_s=options.connects_per_s / processes,
            drain_s=options.drain_s,
            receipts=options.receipts,
        )
        for first in range(processes)
    ]
