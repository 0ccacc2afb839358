import itertools

import pytest

from scribe_server.loadtest.plan import Pace, cut_points, shares
from tests.parts.loadtest import plan


@pytest.mark.parametrize(
    ("pace", "interval"),
    [(Pace.FAST, 0.1), (Pace.NORMAL, 1.0), (Pace.REALTIME, 30.0), (Pace.FLOOD, 0.0)],
)
def test_each_pace_has_its_interval(pace: Pace, interval: float) -> None:
    assert plan(pace=pace).interval_s == interval


def test_sessions_share_the_rate() -> None:
    made = plan(sessions=1000, pace=Pace.RATE, rate=100.0, chunks=None, seconds=20.0)
    assert made.interval_s == 10
    expected = made.expected()
    assert expected is not None
    assert abs(expected - 2000) <= 100


def test_chunks_are_due_at_even_steps_from_a_random_phase_within_the_first() -> None:
    dues = list(plan(chunks=4).dues(0))
    assert 0 <= dues[0] < 0.1
    steps = [round(later - earlier, 9) for earlier, later in itertools.pairwise(dues)]
    assert steps == [0.1, 0.1, 0.1]


def test_phases_differ_and_the_seed_repeats_them() -> None:
    made = plan(sessions=20)
    phases = [made.phase_s(index) for index in range(20)]
    assert len(set(phases)) == 20
    assert phases == [plan(sessions=20).phase_s(index) for index in range(20)]


def test_nothing_is_due_after_the_time_is_up() -> None:
    made = plan(sessions=50, pace=Pace.RATE, rate=10.0, chunks=None, seconds=7.0)
    for index in range(50):
        dues = list(made.dues(index))
        assert len(dues) == made.planned(index)
        assert all(due < 7.0 for due in dues)
        assert made.phase_s(index) + len(dues) * made.interval_s >= 7.0


def test_a_flood_by_time_alone_has_no_expected_number() -> None:
    assert plan(pace=Pace.FLOOD, chunks=None, seconds=1.0).expected() is None
    assert plan(pace=Pace.FLOOD, chunks=7, sessions=3).expected() == 21


def test_session_ids_differ_and_the_seed_repeats_them() -> None:
    made = plan()
    assert made.session_id(0) != made.session_id(1)
    assert made.session_id(3) == plan().session_id(3)
    assert made.session_id(3) != plan(seed=2).session_id(3)
    assert made.session_id(0).version == 4


def test_cuts_lie_evenly_inside_a_session() -> None:
    assert cut_points(120) == {30, 60, 90}
    assert cut_points(1) == {0}
    assert cut_points(120, 0) == frozenset()


def test_sessions_are_dealt_out_once_each() -> None:
    dealt = shares(10, 3)
    assert sorted(index for share in dealt for index in share) == list(range(10))
