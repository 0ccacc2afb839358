"""The benchmarks, in the order in which they run and are shown: one module each."""

from collections.abc import Callable
from importlib import import_module

from tests.bench.results import Result
from tests.bench.rounds import Bench

NAMES = (
    "ingest",
    "sessions_10000",
    "light_load",
    "memory_flat",
    "disk_use",
    "raw_disk",
    "spool",
    "spool_rows",
    "encode",
    "attacks",
)
"""Module `tests.bench.NAME` has `run(bench) -> Result`."""
QUICK = ("ingest", "light_load", "memory_flat", "disk_use", "spool", "encode")
"""What `make bench-quick` runs."""


def benchmark(name: str) -> Callable[[Bench], Result]:
    """The function that measures."""
    run: Callable[[Bench], Result] = import_module(f"tests.bench.{name}").run
    return run
