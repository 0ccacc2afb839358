from tests.faults.herd import most_within


def test_a_peak_is_found_across_the_borders_of_whole_seconds() -> None:
    assert most_within([0.1, 0.9, 1.0, 1.05, 1.8, 5.0], 1.0) == 4


def test_what_is_a_whole_window_apart_does_not_count_together() -> None:
    assert most_within([0.0, 1.0, 2.0], 1.0) == 1
    assert most_within([], 1.0) == 0
