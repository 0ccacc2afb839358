import pytest

from tests.bench.memory_flat import growth, over_hours


def test_memory_is_laid_over_the_hours_that_each_session_has_recorded() -> None:
    memory = [(10.0, 80_000_000), (11.0, 81_000_000), (12.5, 82_000_000)]
    progress = [(10.0, 0), (11.0, 240), (12.0, 480), (13.0, 720)]
    assert over_hours(memory, progress, sessions=2) == [(0.0, 80.0), (1.0, 81.0), (2.0, 82.0)]


def test_growth_is_of_the_second_half_and_relative_to_the_memory_there() -> None:
    warming = [(hour / 10, 50.0 + 5 * hour) for hour in range(10)]
    steady = [(1.0 + hour / 10, 100.0 + 0.2 * hour) for hour in range(11)]
    assert growth(warming + steady) == pytest.approx(2.0, rel=0.02)


def test_flat_memory_does_not_grow() -> None:
    assert growth([(float(hour), 80.0) for hour in range(24)]) == 0
