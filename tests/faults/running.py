"""Running drills, several at a time: each in a process of its own, so that none hurts another."""

import multiprocessing
import os
import random
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection, wait
from pathlib import Path
from zlib import crc32

from tests.faults import results
from tests.faults.drill import Drill, NotHereError, Outcome, Round
from tests.faults.results import Result, State

Answer = Outcome | tuple[State, str]
LAST_WORDS = 6_000


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        drills: which.
        seed: of all chance; each drill's own seed follows from it and from the drill's name.
        quick: two injections each, and long faults cut short.
        times: how often, instead of what the drill says.
        folder: where the rounds have their folders.
        jobs: how many at a time.
        find: the drill of a name, in the process that runs it; a function of a module.
    """

    drills: Sequence[Drill]
    seed: int
    quick: bool
    times: int | None
    folder: Path
    jobs: int
    find: Callable[[str], Drill]


class Running:
    """A drill in its process."""

    def __init__(self, drill: Drill, plan: Plan) -> None:
        # Forked from a process with one thread: a fork of this one could inherit a held lock.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.faults.catalogue"])
        self.drill = drill
        self.seed = seed_of(plan.seed, drill.name)
        self.began = time.monotonic()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{drill.name}-", dir=plan.folder))
        self.answer, theirs = context.Pipe(duplex=False)
        times = plan.times or (max(1, drill.quick_times) if plan.quick else drill.times)
        round_ = Round(self.folder, random.Random(self.seed), times, plan.quick)
        self.process = context.Process(target=_child, args=(plan.find, drill.name, round_, theirs))
        self.process.start()
        theirs.close()
        self._given_up = False

    def result(self) -> Result:
        """What came of it; call it when `answer` can be read."""
        seconds = time.monotonic() - self.began
        at = datetime.now(UTC).strftime("%Y-%m-%d")
        try:
            answer: Answer = self.answer.recv()
        except EOFError:
            answer = ("violated", "the drill's own process died")
        self.process.join()
        name, seed = self.drill.name, self.seed
        if isinstance(answer, Outcome):
            shutil.rmtree(self.folder)
            return results.held(name, answer, seed, seconds, at)
        state, note = answer
        if state == "not run here":
            shutil.rmtree(self.folder)
        return results.failed(name, state, note, seed, seconds, at)

    def overdue(self) -> bool:
        """Whether it hangs and was not given up yet."""
        return not self._given_up and time.monotonic() - self.began > self.drill.limit_s

    def give_up(self) -> None:
        """End it; `answer` then says so. What it had mounted is undone by its own handler."""
        self._given_up = True
        self.process.terminate()


def seed_of(seed: int, name: str) -> int:
    """A drill's seed: the same for the same name, whatever else runs."""
    return (seed + crc32(name.encode())) % 2**31


def run_all(plan: Plan, tell: Callable[[Result], None]) -> list[Result]:
    """Run the drills, the longest first; `tell` is called as each ends."""
    waiting = sorted(plan.drills, key=lambda drill: drill.takes_s)
    running: dict[Connection, Running] = {}
    done: list[Result] = []
    while waiting or running:
        while waiting and len(running) < plan.jobs:
            started = Running(waiting.pop(), plan)
            running[started.answer] = started
        for ready in wait(list(running), timeout=1):
            result = running.pop(ready).result()  # type: ignore[index]
            tell(result)
            done.append(result)
        for each in running.values():
            if each.overdue():
                each.give_up()
    return done


def _child(find: Callable[[str], Drill], name: str, round_: Round, answer: Connection) -> None:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, _terminated)
    with _output_to(round_.folder / "drill.log"):
        answer.send(_outcome(find(name), round_))
    answer.close()


def _outcome(drill: Drill, round_: Round) -> Answer:
    try:
        with round_.cleanup:
            return drill.run(round_)
    except NotHereError as forbidden:
        return "not run here", str(forbidden)
    except Exception:  # noqa: BLE001 - whatever it is goes into the report, and fails the run
        return "violated", traceback.format_exc()[-LAST_WORDS:]


def _terminated(number: int, frame: object) -> None:
    raise TimeoutError("it took too long")


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Let everything that the drill prints go to a file."""
    with log.open("a", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        yield
