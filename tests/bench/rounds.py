"""Contestants run in turn, and what a benchmark is told about its run."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.bench.figures import Run, Runs
from tests.bench.results import Size

T = TypeVar("T")


@dataclass(frozen=True)
class Bench:
    """How much to measure, an empty folder on a real disk, and how to tell the person."""

    size: Size
    folder: Path
    say: Callable[[str], None]

    def pick(self, *, full: T, quick: T, tiny: T) -> T:
        """The value for this size of run."""
        return {"full": full, "quick": quick, "tiny": tiny}[self.size]


Contestant = Callable[[Path], Run]
"""Measures once, in a folder that is its own, and gives the values by name."""


def in_turn(bench: Bench, contestants: Mapping[str, Contestant], rounds: int) -> Runs:
    """Run A B C, A B C, … so that what happens to the machine meanwhile happens to all alike.

    The disk is made to write down what a contestant left in the cache before the next one runs.
    """
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for number in range(rounds):
        for place, (name, measure) in enumerate(contestants.items()):
            folder = bench.folder / f"{number}-{place}"
            folder.mkdir(parents=True)
            run = alone(measure, folder)
            runs[name].append(run)
            bench.say(f"  round {number + 1}/{rounds}  {name}: {told(run)}")
    return runs


def alone(measure: Contestant, folder: Path) -> Run:
    """One run of one contestant; its folder is gone and the disk at rest afterwards."""
    try:
        return measure(folder)
    finally:
        shutil.rmtree(folder)
        os.sync()


def told(run: Run) -> str:
    """One line for the terminal."""
    return "  ".join(f"{key} {value:,.4g}" for key, value in run.items())
