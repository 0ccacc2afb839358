import random

from tests.faults.recorders import moments


def test_a_fifth_of_a_full_run_records_until_about_the_end_of_a_chunk() -> None:
    drawn = moments(random.Random(1), 50, quick=False)
    assert sum(28 < after_s < 35 for after_s in drawn) == 10
    assert sum(0 < after_s <= 8 for after_s in drawn) == 40


def test_a_quick_run_records_for_two_seconds_at_most() -> None:
    assert all(0 < after_s <= 2 for after_s in moments(random.Random(1), 20, quick=True))
