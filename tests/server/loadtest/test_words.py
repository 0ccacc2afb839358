from scribe_server.loadtest.job import HerdTimes
from scribe_server.loadtest.options import Options
from scribe_server.loadtest.outcome import Seen
from scribe_server.loadtest.verify import Proof
from scribe_server.loadtest.words import closing_words
from tests.parts.loadtest import example_report, outcome, plan


def test_the_losses_the_receipts_and_the_verdict_come_last() -> None:
    assert list(closing_words(example_report()))[-3:] == [
        "0 of 2 lost",
        "1 of 1 receipts valid",
        "passed",
    ]


def test_a_limit_that_was_passed_is_named_with_what_it_was() -> None:
    report = example_report(options=Options(plan(), max_p99_ms=4.0))
    assert list(closing_words(report))[-2:] == [
        "NOT HELD: latency_p99_ms_at_most 4 (it was 5)",
        "FAILED",
    ]


def test_what_is_not_known_is_called_unknown_or_left_out() -> None:
    words = "\n".join(closing_words(example_report(seen=Seen())))
    assert "Server memory" not in words
    assert "None" not in words


def test_trouble_has_lines_of_its_own() -> None:
    made = outcome(proof=Proof("s", set(), receipts_valid=1))
    counts = made.counts
    counts.told_to_hold, counts.held_s, counts.sent_again = 4, 2.5, 3
    counts.cut, counts.lost_connections = 2, 3
    counts.errors = {"busy": 7}
    made.results[0].herd.cut_at = 1.0
    words = "\n".join(closing_words(made.to_report()))
    assert "Backpressure: 4 times told to hold, 2.5 session seconds" in words
    assert "Sent again: 3" in words
    assert "2 cut on purpose, 1 lost" in words
    assert "Errors: busy 7" in words
    assert "Herd: 0 of 0" in words


def test_a_quiet_run_says_nothing_of_trouble() -> None:
    words = "\n".join(closing_words(example_report()))
    assert HerdTimes().cut_at is None
    assert "Herd" not in words
    assert "Errors" not in words
