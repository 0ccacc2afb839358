from scribe_server.loadtest.latency import percentile, summary


def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed() -> None:
    values = [float(number) for number in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.001) == 7


def test_the_summary_sorts_and_averages() -> None:
    found = summary([3.0, 1.0, 2.0])
    assert (found.samples, found.average, found.p50, found.max) == (3, 2.0, 2.0, 3.0)


def test_nothing_measured_is_null_and_not_zero() -> None:
    found = summary([])
    assert (found.samples, found.average, found.p99) == (0, None, None)
    assert percentile([], 0.5) is None
