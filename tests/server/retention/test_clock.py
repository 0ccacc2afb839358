import time

from hypothesis import given
from hypothesis import strategies as st

from scribe_server.retention.clock import (
    TOLERANCE_MS,
    Mark,
    doubted_ms,
    is_believed,
    uptime_ms,
)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW = 1_700_000_000_000


def look(days: float, up: float) -> Mark:
    """A look so many days after the first, on a machine that has been up for so many."""
    return Mark(NOW + int(days * DAY_MS), int(up * DAY_MS))


def test_a_clock_that_goes_as_the_machine_does_is_believed() -> None:
    assert doubted_ms([look(0, 10), look(400, 410)]) == 0


def test_a_clock_that_jumps_ahead_is_not() -> None:
    assert not is_believed([look(0, 10), look(400, 11)])
    assert is_believed([look(0, 10), Mark(NOW + TOLERANCE_MS, 10 * DAY_MS)])
    assert not is_believed([look(0, 10), Mark(NOW + TOLERANCE_MS + 1, 10 * DAY_MS)])


def test_after_a_restart_only_the_uptime_is_vouched_for() -> None:
    assert doubted_ms([look(0, 10), look(5, 1)]) == 4 * DAY_MS
    assert is_believed([look(0, 10), look(5, 3)])


def test_a_jump_is_believed_once_the_machine_was_up_for_as_long() -> None:
    jumped = [look(0, 10), look(20, 10)]
    assert not is_believed(jumped)
    assert not is_believed([*jumped, look(21, 11)])
    assert is_believed([*jumped, look(38, 28)])


def test_a_computer_that_was_off_for_some_days_and_is_off_at_night_is_believed_again() -> None:
    looks = [look(0, 0.4), look(4, 0)]
    assert not is_believed(looks)
    for day in range(1, 5):
        looks += [look(4 + day, 0.0), look(4 + day + 0.4, 0.4)]  # ten hours a day
    assert not is_believed(looks)
    looks += [look(9, 0.0), look(9.4, 0.4)]
    assert is_believed(looks)


def test_that_it_goes_on_from_where_it_jumped_to_is_no_proof() -> None:
    looks = [look(0, 10), look(400, 10)]
    looks += [look(400 + hours / 24, 10 + hours / 24) for hours in range(48)]
    assert not is_believed(looks)


def test_a_clock_that_was_put_right_is_believed_at_once() -> None:
    assert is_believed([look(0, 10), look(400, 10), look(0.1, 10.1)])
    assert not is_believed([look(0, 10), look(400, 10), look(100, 10.1)])


def test_a_clock_that_was_put_back_is_believed_as_it_makes_nothing_old() -> None:
    assert is_believed([look(0, 10), look(-400, 10)])


def test_without_an_earlier_look_there_is_nothing_to_doubt_the_clock_by() -> None:
    assert is_believed([look(0, 0)])
    assert is_believed([])


@given(st.integers(0, 10**13), st.integers(0, 10**12), st.integers(0, 10**12))
def test_no_more_is_vouched_for_than_the_machine_has_been_up(
    ahead: int, before: int, uptime: int
) -> None:
    looks = [Mark(NOW, before), Mark(NOW + ahead, uptime)]
    if is_believed(looks):
        assert ahead <= uptime + TOLERANCE_MS


def test_uptime_goes_on() -> None:
    before = uptime_ms()
    time.sleep(0.002)
    assert uptime_ms() > before
