import pytest

from tests.bench.figures import Spread, percentile, ratio, second_half, slope, spread, summary


def test_a_spread_is_the_median_and_both_ends() -> None:
    assert spread([5.0, 1.0, 9.0]) == Spread(5.0, 1.0, 9.0, 3)


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.99, 4.0), (1.0, 4.0)]
)
def test_a_percentile_is_the_value_of_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], share) == value


def test_noise_that_meets_both_contestants_of_a_round_does_not_change_their_ratio() -> None:
    runs = {"a": [{"x": 30.0}, {"x": 3.0}, {"x": 60.0}], "b": [{"x": 10}, {"x": 1}, {"x": 20}]}
    assert ratio(runs, "a", "b", "x") == Spread(3.0, 3.0, 3.0, 3)


def test_a_contestant_that_missed_a_round_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio({"a": [{"x": 1}], "b": [{"x": 1}, {"x": 1}]}, "a", "b", "x")


def test_the_summary_has_every_value() -> None:
    runs = [{"x": 1.0, "y": 4.0}, {"x": 3.0, "y": 2.0}]
    assert summary(runs) == {"x": Spread(2.0, 1.0, 3.0, 2), "y": Spread(3.0, 2.0, 4.0, 2)}


def test_the_slope_of_a_line_is_its_own_whatever_one_outlier_says() -> None:
    points = [(float(x), 2.0 * x + 1) for x in range(20)]
    points[7] = (7.0, 1e6)
    assert slope(points) == pytest.approx(2.0)


def test_points_of_one_x_have_no_slope() -> None:
    with pytest.raises(ValueError, match="measure for longer"):
        slope([(1.0, 1.0), (1.0, 2.0)])


def test_the_second_half_begins_in_the_middle_of_the_time_not_of_the_points() -> None:
    points = [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (10.0, 5.0)]
    assert second_half(points) == [(10.0, 5.0)]
