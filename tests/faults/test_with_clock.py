"""A clock that a drill moves."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.wall import DAY_S, WallClock
from tests.faults.with_clock import MovedClock

CLOSE_S = 5.0


def now_s() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME)


def test_it_is_right_until_it_is_moved(tmp_path: Path) -> None:
    with ExitStack() as cleanup:
        WallClock(tmp_path / "clock", cleanup)
        moved = MovedClock(tmp_path / "clock")
        assert moved.time() == pytest.approx(now_s(), abs=CLOSE_S)
        assert moved.time_ns() == pytest.approx(time.time_ns(), abs=CLOSE_S * 1e9)


def test_a_jump_reaches_it_at_the_next_reading_and_leaves_the_monotonic_clock(
    tmp_path: Path,
) -> None:
    with ExitStack() as cleanup:
        clock = WallClock(tmp_path / "clock", cleanup)
        moved = MovedClock(tmp_path / "clock")
        clock.jump(-DAY_S)
        assert moved.time() == pytest.approx(now_s() - DAY_S, abs=CLOSE_S)
        assert clock.now_ms == pytest.approx(moved.time() * 1000, abs=CLOSE_S * 1000)
        boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
        assert moved.clock_gettime(time.CLOCK_BOOTTIME) == pytest.approx(boottime, abs=CLOSE_S)


def test_sleep_counts_in_the_wall_clock_and_since_the_start_of_the_computer(
    tmp_path: Path,
) -> None:
    with ExitStack() as cleanup:
        clock = WallClock(tmp_path / "clock", cleanup)
        moved = MovedClock(tmp_path / "clock")
        clock.sleep(DAY_S)
        for which in (time.CLOCK_REALTIME, time.CLOCK_BOOTTIME):
            asleep = moved.clock_gettime(which) - time.clock_gettime(which)
            assert asleep == pytest.approx(DAY_S, abs=CLOSE_S)
        monotonic = time.clock_gettime(time.CLOCK_MONOTONIC)
        assert moved.clock_gettime(time.CLOCK_MONOTONIC) == pytest.approx(monotonic, abs=CLOSE_S)
