import time

from hypothesis import given
from hypothesis import strategies as st

from scribe_server.retention.clock import (
    TOLERANCE_MS,
    Mark,
    is_believed,
    unexplained_ms,
    uptime_ms,
)

DAY_MS = 86_400_000
NOW = 1_700_000_000_000
MARK = Mark(NOW, 10 * DAY_MS)


def test_a_clock_that_goes_as_the_machine_does_is_believed() -> None:
    assert is_believed(NOW + 400 * DAY_MS, 410 * DAY_MS, MARK)


def test_a_clock_that_jumps_ahead_is_not() -> None:
    assert not is_believed(NOW + 400 * DAY_MS, 11 * DAY_MS, MARK)
    assert is_believed(NOW + TOLERANCE_MS, 10 * DAY_MS, MARK)
    assert not is_believed(NOW + TOLERANCE_MS + 1, 10 * DAY_MS, MARK)


def test_after_a_restart_only_the_uptime_is_vouched_for() -> None:
    assert unexplained_ms(NOW + 5 * DAY_MS, DAY_MS, MARK) == 4 * DAY_MS
    assert not is_believed(NOW + 5 * DAY_MS, DAY_MS, MARK)
    assert is_believed(NOW + 5 * DAY_MS, 3 * DAY_MS, MARK)


def test_a_clock_that_was_put_back_is_believed_as_it_makes_nothing_old() -> None:
    assert is_believed(NOW - 400 * DAY_MS, 10 * DAY_MS, MARK)


def test_without_a_mark_there_is_nothing_to_doubt_the_clock_by() -> None:
    assert is_believed(NOW, 0, None)


@given(st.integers(0, 10**13), st.integers(0, 10**12), st.integers(0, 10**12))
def test_no_more_is_vouched_for_than_the_machine_has_been_up(
    ahead: int, before: int, uptime: int
) -> None:
    vouched = ahead - unexplained_ms(NOW + ahead, uptime, Mark(NOW, before))
    assert vouched <= uptime


def test_uptime_goes_on() -> None:
    before = uptime_ms()
    time.sleep(0.002)
    assert uptime_ms() > before
