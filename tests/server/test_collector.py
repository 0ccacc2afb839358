import errno
import gc
import subprocess
import sys
from dataclasses import replace

import pytest

from scribe_server.collector import Activity, Collector, is_due
from tests.parts.processes import REPOSITORY

START = Activity(sockets=0, ended=0, chunks=0, memory=100_000_000)
BUSY = Activity(sockets=5000, ended=100, chunks=10_000, memory=110_000_000)


@pytest.mark.parametrize(
    ("ended", "sockets", "due"),
    [(999, 0, False), (1000, 0, True), (4999, 5000, False), (5000, 5000, True)],
)
def test_a_full_collection_is_due_when_as_many_sockets_ended_as_are_open(
    ended: int, sockets: int, due: bool
) -> None:
    now = replace(START, ended=ended, sockets=sockets, chunks=1)
    assert is_due(START, START, now, 1) is due


@pytest.mark.parametrize(("memory", "due"), [(190_000_000, False), (193_000_000, True)])
def test_it_is_due_when_memory_has_grown_by_a_quarter_and_64_mib(memory: int, due: bool) -> None:
    now = replace(START, memory=memory, chunks=1)
    assert is_due(START, START, now, 1) is due


def test_memory_that_new_connections_explain_is_no_reason() -> None:
    now = replace(START, memory=500_000_000, sockets=10_000, chunks=1)
    assert not is_due(START, START, now, 1)
    assert is_due(START, START, replace(now, sockets=1000), 1)


def test_it_is_due_in_a_quiet_moment_every_ten_minutes() -> None:
    assert is_due(START, BUSY, BUSY, 600)
    assert not is_due(START, BUSY, BUSY, 599)
    assert not is_due(START, BUSY, replace(BUSY, chunks=10_001), 600)


def test_a_server_that_does_nothing_is_left_alone() -> None:
    assert not is_due(BUSY, BUSY, BUSY, 100_000)


def test_after_a_collection_the_counting_begins_anew() -> None:
    activity = [START]
    collected = []
    collector = Collector(lambda: activity[0], collect=lambda: collected.append(1) or 0)
    activity[0] = replace(START, ended=1000, chunks=1)
    collector.look()
    collector.look()
    assert len(collected) == 1
    activity[0] = replace(START, ended=1999, chunks=2)
    collector.look()
    assert len(collected) == 1
    activity[0] = replace(START, ended=2000, chunks=3)
    collector.look()
    assert len(collected) == 2


def test_the_time_since_the_last_collection_counts() -> None:
    now = [0.0]
    collected = []
    activity = [START]
    collector = Collector(
        lambda: activity[0], collect=lambda: collected.append(1) or 0, monotonic=lambda: now[0]
    )
    activity[0] = BUSY
    collector.look()
    now[0] = 601
    collector.look()
    assert len(collected) == 1


def test_it_goes_on_after_memory_could_not_be_measured() -> None:
    activity = [START]
    collected = []

    def measured() -> Activity:
        if not activity:
            raise OSError(errno.EMFILE, "no descriptors")
        return activity[0]

    collector = Collector(measured, collect=lambda: collected.append(1) or 0)
    activity.clear()
    collector.look()
    activity.append(replace(START, ended=1000, chunks=1))
    collector.look()
    assert len(collected) == 1


def test_garbage_in_cycles_is_really_found() -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        found = []
        activity = [START]
        collector = Collector(lambda: activity[0], collect=lambda: found.append(gc.collect()) or 0)
        activity[0] = replace(START, ended=1000)
        del cycle
        collector.look()
    finally:
        if enabled:
            gc.enable()
    assert found[0] >= 1


def test_after_the_start_only_the_young_are_collected_by_the_interpreter() -> None:
    script = (
        "import gc; from scribe_server.collector import settle; settle();"
        "kept = [[n] for n in range(300_000)];"
        "assert gc.get_freeze_count() > 1000;"
        "runs = [one['collections'] for one in gc.get_stats()];"
        "print(runs[0] >= 3, runs[2])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout.split() == ["True", "1"]
