"""What the drills found, kept as JSON between runs."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from tests.faults.drill import Outcome

State = Literal["held", "violated", "not run here"]


class Result(msgspec.Struct, frozen=True, rename="camel"):
    """One drill's line in the report.

    Attributes:
        name: of the drill.
        state: whether all invariants held.
        injected: how often the fault fired.
        chunks: how many chunks were compared.
        recovery_ms: median and worst, or none.
        note: a sentence, a violation, or what the machine forbids.
        seed: repeats it.
        seconds: how long it took.
        at: day of the run, YYYY-MM-DD.
    """

    name: str
    state: State
    injected: int
    chunks: int
    recovery_ms: tuple[int, int] | None
    note: str
    seed: int
    seconds: int
    at: str


class Results(msgspec.Struct, frozen=True, rename="camel"):
    """A file of results and the machine they come from."""

    machine: str
    results: tuple[Result, ...] = ()


def held(name: str, outcome: Outcome, seed: int, seconds: float, at: str) -> Result:
    """The line of a drill in which everything held."""
    times = outcome.recovery_ms
    recovery = (int(median(times)), max(times)) if times else None
    return Result(
        name, "held", outcome.injected, outcome.chunks, recovery, outcome.note, seed,
        round(seconds), at,
    )  # fmt: skip


def failed(name: str, state: State, note: str, seed: int, seconds: float, at: str) -> Result:
    """The line of a drill that broke a promise or could not run."""
    return Result(name, state, 0, 0, None, note, seed, round(seconds), at)


def merged(old: Results, new: Results, names: Iterable[str]) -> Results:
    """The new results over the old ones, in the order of the names; others are dropped."""
    known = {result.name: result for result in (*old.results, *new.results)}
    return Results(new.machine, tuple(known[name] for name in names if name in known))


def read(path: Path) -> Results:
    """The results of earlier runs; none when there is no file yet."""
    if not path.exists():
        return Results("")
    return msgspec.json.decode(path.read_bytes(), type=Results)


def write(path: Path, results: Results) -> None:
    """Write them so that a person can read the difference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
