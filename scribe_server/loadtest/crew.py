"""The worker processes, seen from the command: started, told to begin, listened to, ended."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Final, Self

import msgspec

from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.job import (
    Connected,
    Counts,
    Drained,
    Failed,
    FromWorker,
    Go,
    Job,
    Progress,
    Result,
)
from scribe_server.tasks import Tasks

WORKER_COMMAND: Final = "loadtest-worker"
_LONGEST_LINE: Final = 1 << 30
_END_S: Final = 5.0
_decoder: Final = msgspec.json.Decoder(FromWorker)


class Crew:
    """All workers of one run; use it as an async context.

    Args:
        jobs: one for each worker.
        heard: gets every progress report, with the worker's number.
        command: what a worker is started by.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        heard: Callable[[int, Progress], None],
        *,
        command: Sequence[str] = (sys.executable, "-m", "scribe_server", WORKER_COMMAND),
    ) -> None:
        self._command = command
        self._jobs = jobs
        self._heard = heard
        self._tasks = Tasks()
        self._workers: list[asyncio.subprocess.Process] = []
        self._connected = [asyncio.Event() for _ in jobs]
        self._drained = [asyncio.Event() for _ in jobs]
        self._results: list[Result | None] = [None] * len(jobs)
        self._listening: list[asyncio.Task[str]] = []

    async def __aenter__(self) -> Self:
        """Start the workers; they begin to connect."""
        try:
            for number, job in enumerate(self._jobs):
                await self._start(number, job)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """End the workers, whatever they do."""
        await self._end()

    async def connected(self) -> None:
        """Wait until all sessions are started; LoadtestError when a worker fails."""
        await self._all(self._connected)

    async def begin(self, at: float) -> None:
        """Tell all to begin at this moment of the monotonic clock, s."""
        for worker in self._workers:
            await _write(worker, Go(at))

    async def drained(self) -> None:
        """Wait until nothing waits for an answer; LoadtestError when a worker fails."""
        await self._all(self._drained)

    async def results(self) -> list[Result]:
        """Wait for the end; LoadtestError when a worker fails."""
        for listening in self._listening:
            _raise(await listening)
        return [result for result in self._results if result is not None]

    async def _start(self, number: int, job: Job) -> None:
        worker = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,  # Ctrl+C is for the command, which ends its workers
        )
        self._workers.append(worker)
        await _write(worker, job)
        self._listening.append(self._tasks.spawn(self._listen(number, worker), "worker"))

    async def _listen(self, number: int, worker: asyncio.subprocess.Process) -> str:
        """Hear a worker out; why it failed, in words, or nothing."""
        assert worker.stdout is not None
        while line := await worker.stdout.readline():
            match _decoder.decode(line):
                case Connected():
                    self._connected[number].set()
                case Progress() as progress:
                    self._heard(number, progress)
                case Drained():
                    self._drained[number].set()
                case Result() as result:
                    self._results[number] = result
                case Failed(message):
                    return message
                case _:
                    raise AssertionError("the decoder knows all messages")
        if self._results[number] is None:
            return f"A load process ended with {await worker.wait()}: see above."
        return ""

    async def _all(self, events: Sequence[asyncio.Event]) -> None:
        """Wait for the events, or raise what ends a listener first."""

        async def wait() -> None:
            for event in events:
                await event.wait()

        everything = self._tasks.spawn(wait(), "wait")
        while not everything.done():
            running = [one for one in self._listening if not one.done()]
            await asyncio.wait([everything, *running], return_when=asyncio.FIRST_COMPLETED)
            for listening in self._listening:
                if listening.done():
                    _raise(listening.result())

    async def _end(self) -> None:
        for worker in self._workers:
            if worker.stdin is not None:
                worker.stdin.close()
        for worker in self._workers:
            try:
                async with asyncio.timeout(_END_S):
                    await worker.wait()
            except TimeoutError:
                worker.kill()
                await worker.wait()
        await self._tasks.drain(1.0)


def total(counts: Sequence[Counts]) -> Counts:
    """The workers' counts added up."""
    sums = Counts()
    for one in counts:
        for name in Counts.__struct_fields__:
            if name != "errors":
                setattr(sums, name, getattr(sums, name) + getattr(one, name))
        for code, times in one.errors.items():
            sums.errors[code] = sums.errors.get(code, 0) + times
    return sums


def _raise(failure: str) -> None:
    if failure:
        raise LoadtestError(failure)


async def _write(worker: asyncio.subprocess.Process, message: msgspec.Struct) -> None:
    assert worker.stdin is not None
    worker.stdin.write(msgspec.json.encode(message) + b"\n")
    with contextlib.suppress(OSError):  # it has ended: whoever listens to it says why
        await worker.stdin.drain()
