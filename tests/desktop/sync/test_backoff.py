import pytest

from scribe_desktop.sync.backoff import Backoff


def longest(_low: float, high: float) -> float:
    return high


def test_delays_double_up_to_the_early_cap() -> None:
    backoff = Backoff(longest)
    assert [backoff.delay_s(float(n)) for n in range(5)] == [0.25, 0.5, 1.0, 1.5, 1.5]


def test_every_delay_begins_at_zero_so_that_clients_spread() -> None:
    lows = []
    backoff = Backoff(lambda low, high: lows.append(low) or high)
    backoff.delay_s(0)
    assert lows == [0.0]


def test_after_five_minutes_of_an_outage_the_cap_is_thirty_seconds() -> None:
    backoff = Backoff(longest)
    for second in range(8):
        backoff.delay_s(float(second))
    assert backoff.delay_s(299.0) == 1.5
    assert backoff.delay_s(300.0) == 30.0
    assert not backoff.is_early(300.0)


def test_a_reset_begins_a_new_outage() -> None:
    backoff = Backoff(longest)
    for second in range(0, 600, 100):
        backoff.delay_s(float(second))
    backoff.reset()
    assert backoff.is_early(600.0)
    assert backoff.delay_s(600.0) == 0.25


@pytest.mark.parametrize(("asked", "given"), [(0.1, 0.25), (4.0, 4.0)])
def test_what_the_server_asks_for_is_a_lower_bound(asked: float, given: float) -> None:
    assert Backoff(longest).delay_s(0.0, at_least_s=asked) == given
