"""Growth is measured over the second half of the longest life."""

import os
import subprocess
import sys

import pytest

from tests.faults.soak.watching import Sample, Watch, growth, sample_of


def test_a_steady_growth_is_found_in_percent_an_hour() -> None:
    samples = [Sample(at, 100_000_000 + at * 1000, 50) for at in range(0, 3600, 60)]
    found = growth("one", samples)
    assert found.memory_percent == pytest.approx(3.6 / 103.54 * 100, rel=0.001)
    assert (found.descriptors, found.descriptors_percent) == (50, 0)
    assert found.minutes == 59


def test_the_longest_life_counts() -> None:
    watch = Watch()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        for at in range(6):
            watch.look("one", other.pid, at)
        other.communicate(b"\n")
    for at in range(10, 20):
        watch.look("one", os.getpid(), at)
    watch.look("short", os.getpid(), 1)
    (found,) = watch.growths()
    assert found.minutes == pytest.approx(9 / 60)


def test_a_process_that_is_gone_has_no_sample() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as other:
        other.wait()
    assert sample_of(other.pid, 0) is None
