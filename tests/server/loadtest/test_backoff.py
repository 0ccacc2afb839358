from scribe_server.loadtest.backoff import delay_s


def test_the_longest_delay_doubles_from_a_quarter_of_a_second_to_its_cap() -> None:
    longest = [delay_s(failures, lambda _low, high: high) for failures in (0, 1, 2, 3, 50)]
    assert longest == [0.25, 0.5, 1.0, 1.5, 1.5]


def test_every_delay_down_to_none_at_all_may_come() -> None:
    assert delay_s(3, lambda low, _high: low) == 0
