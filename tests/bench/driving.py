"""A server under load: the generator beside it, its processor time and memory."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import msgspec

from tests.bench.figures import Run
from tests.bench.job import Began, Dialect, Job, Outcome, Ready
from tests.bench.measure import MemoryWatch, cpu_s
from tests.parts.processes import REPOSITORY

S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True)
class Server:
    """A running server: where it is, how it is spoken to, and the roots of its process trees."""

    url: str
    dialect: Dialect
    pids: tuple[int, ...]
    token: str | None = None


@dataclass(frozen=True)
class Loaded:
    """What a load showed: CPU seconds are of the measured time; memory is (seconds, bytes)."""

    outcome: Outcome
    sessions: int
    connecting_s: float
    cpu_s: float
    cpu_window_s: float
    memory: tuple[tuple[float, int], ...]

    @property
    def cpu_us(self) -> float:
        """Processor time per acknowledged chunk, µs."""
        share = self.outcome.seconds / self.cpu_window_s
        return self.cpu_s * share / self.outcome.measured * 1e6

    @property
    def peak_mb(self) -> float:
        """The most memory that was seen, in MB (10**6 bytes)."""
        return max(size for _, size in self.memory) / 1e6

    def run(self) -> Run:
        """The values that every table of servers has."""
        outcome = self.outcome
        quantiles = outcome.quantiles_ms
        return {
            "chunks_s": outcome.measured / outcome.seconds,
            "cpu_us": self.cpu_us,
            "cpu_share": self.cpu_s / self.cpu_window_s * 100,
            "p50": quantiles["0.5"],
            "p90": quantiles["0.9"],
            "p99": quantiles["0.99"],
            "p999": quantiles["0.999"],
            "peak_mb": self.peak_mb,
            "errors": float(outcome.errors + outcome.ended),
            "lost": float(outcome.lost),
        }


class Generator:
    """The generator process; leaving the context ends it."""

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.generator"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY,
        )  # fmt: skip
        self._say(msgspec.json.encode(job))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def hear(self, kind: type[S]) -> S:
        """Its next answer.

        Raises:
            RuntimeError: it ended without one; it has printed why.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the load generator ended with {self._process.wait()}")
        return msgspec.json.decode(line, type=kind)

    def go(self) -> None:
        """Let the load begin."""
        self._say(b"go")

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()


def drive(job: Job, pids: Sequence[int], *, every_s: float = 0.25) -> Loaded:
    """Load a server and look at its process trees every so many seconds meanwhile."""
    with Generator(job) as generator:
        ready = generator.hear(Ready)
        with MemoryWatch(pids, every_s=every_s) as memory:
            generator.go()
            began = generator.hear(Began).at
            sleep_until(began + job.warm_s)
            before, at = cpu_s(pids), time.monotonic()
            if job.limit is None:
                sleep_until(began + job.warm_s + job.measure_s)
                used, window = cpu_s(pids) - before, time.monotonic() - at
                outcome = generator.hear(Outcome)
            else:
                outcome = generator.hear(Outcome)
                used, window = cpu_s(pids) - before, time.monotonic() - at
    if outcome.measured == 0:
        raise RuntimeError(f"nothing was acknowledged: {outcome.last_error or 'no answers'}")
    samples = tuple(memory.samples)
    return Loaded(outcome, ready.connections, ready.took_s, used, window, samples)


def job_for(server: Server, **load: float | None) -> Job:
    """A job for this server."""
    return msgspec.convert(
        {"url": server.url, "dialect": server.dialect, "token": server.token, **load}, Job
    )


def sleep_until(at: float) -> None:
    """Sleep until a time of the monotonic clock."""
    time.sleep(max(0.0, at - time.monotonic()))
