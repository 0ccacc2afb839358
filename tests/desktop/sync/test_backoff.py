import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from scribe_desktop.sync.backoff import Backoff
from scribe_desktop.sync.link import EARLY_PATIENCE, LATE_PATIENCE

HERD = 100
HOUR_S = 3600.0


def longest(_low: float, high: float) -> float:
    return high


def shortest(low: float, _high: float) -> float:
    return low


def attempts(
    backoff: Backoff, lost_at: float, until: float, lasts_s: Callable[[float], float]
) -> list[float]:
    """When attempts begin that all fail after `lasts_s(begin)` seconds."""
    found: list[float] = []
    now = lost_at
    while True:
        now += backoff.delay_s(now)
        if now >= until:
            return found
        found.append(now)
        backoff.attempted(now)
        now += lasts_s(now)


def connected(rng: random.Random, now_s: float = 0.0) -> Backoff:
    backoff = Backoff(rng.uniform)
    backoff.attempted(now_s)
    backoff.connected()
    backoff.reset()
    return backoff


def refused(_now: float) -> float:
    return 0.001


def most_in_a_second(moments: list[float]) -> int:
    moments = sorted(moments)
    return max(sum(at <= other < at + 1 for other in moments) for at in moments)


def test_a_lost_connection_is_made_again_within_a_second() -> None:
    backoff = Backoff(longest)
    backoff.attempted(0.0)
    backoff.connected()
    assert backoff.delay_s(60.0) == 1.0


def test_attempts_that_fail_are_somewhat_over_a_second_apart_from_start_to_start() -> None:
    for uniform, apart in ((shortest, 1.2), (longest, 1.6)):
        backoff = Backoff(uniform)
        backoff.attempted(10.0)
        assert backoff.delay_s(10.25) == pytest.approx(apart - 0.25)


def test_an_attempt_that_lasted_longer_is_followed_at_once() -> None:
    backoff = Backoff(longest)
    backoff.attempted(10.0)
    assert backoff.delay_s(12.0) == 0.0


def test_a_connection_that_is_lost_at_once_counts_as_an_attempt() -> None:
    backoff = Backoff(shortest)
    backoff.attempted(10.0)
    backoff.connected()
    backoff.reset()
    assert backoff.delay_s(10.125) == pytest.approx(1.075)


def test_after_five_minutes_of_an_outage_the_cap_is_thirty_seconds() -> None:
    backoff = Backoff(longest)
    backoff.delay_s(0.0)
    assert backoff.cap_s(299.0) == 1.6
    assert backoff.cap_s(300.0) == 30.0
    assert not backoff.is_early(300.0)


def test_a_reset_begins_a_new_outage() -> None:
    backoff = Backoff(longest)
    backoff.delay_s(0.0)
    assert not backoff.is_early(600.0)
    backoff.reset()
    assert backoff.is_early(600.0)


@pytest.mark.parametrize(("asked", "given"), [(0.5, 1.0), (4.0, 4.0)])
def test_what_the_server_asks_for_is_a_lower_bound(asked: float, given: float) -> None:
    backoff = Backoff(longest)
    backoff.attempted(0.0)
    backoff.connected()
    assert backoff.delay_s(60.0, at_least_s=asked) == given


def test_in_a_black_hole_a_packet_goes_out_every_second_and_after_an_hour_every_thirty() -> None:
    backoff = connected(random.Random(1))

    def patience_s(now: float) -> float:
        patience = EARLY_PATIENCE if backoff.is_early(now) else LATE_PATIENCE
        return patience.connect_s

    begun = attempts(backoff, 60.0, 60.0 + HOUR_S, patience_s)
    apart = [(at, later - at) for at, later in pairwise(begun)]
    early = [gap for at, gap in apart if at < 350.0]
    assert max(early) == pytest.approx(2.0)  # and the kernel repeats the SYN after 1 s
    assert max(gap for _, gap in apart) <= 30.0
    assert max(gap for at, gap in apart if at > HOUR_S / 2) > 20.0


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_clients_make_a_hundred_attempts_a_second_whatever_the_server_does(
    seed: int,
) -> None:
    rng = random.Random(seed)
    herd = [connected(rng, now_s=-rng.uniform(0, 2)) for _ in range(HERD)]
    begun = [at for each in herd for at in attempts(each, 0.0, 8.0, refused)]
    assert most_in_a_second(begun) <= HERD
    first = sorted(min(attempts(connected(rng), 60.0, 63.0, refused)) for _ in range(HERD))
    assert first[-1] - first[0] > 0.8


def test_clients_that_are_thrown_out_as_soon_as_they_are_in_stay_a_second_apart() -> None:
    rng = random.Random(5)
    begun: list[float] = []
    for _ in range(HERD):
        backoff, now = connected(rng), 60.0
        while now < 66.0:
            now += backoff.delay_s(now)
            begun.append(now)
            backoff.attempted(now)
            now += 0.01
            backoff.connected()
            backoff.reset()
    assert most_in_a_second(begun) <= HERD
