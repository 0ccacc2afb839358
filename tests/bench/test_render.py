from dataclasses import replace

import pytest

from tests.bench.figures import Spread
from tests.bench.made_results import REPORT
from tests.bench.render import NOT_EXPLAINED, digits_for, number, render

PAGE = render(REPORT, {"1a": "The disk is slow.\n", "2": "never shown"})


def test_a_missed_figure_says_by_how_much_and_what_holds_it_back() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| 1a |"))
    assert "≥ 4 times | 3.00 (2.50\N{EN DASH}4.50) times | **missed by 25 %** |" in row
    assert "- **1a, chunks per second, ours over theirs**: The disk is slow.\n" in PAGE


def test_a_reached_figure_says_so_and_nothing_holds_it_back() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| 2 |"))
    assert "≤ 700 MB | 350 MB | reached |" in row
    assert "never shown" not in PAGE


def test_a_missed_figure_that_nobody_has_explained_says_that() -> None:
    assert NOT_EXPLAINED in render(REPORT, {})


def test_each_figure_names_the_command_that_makes_it() -> None:
    assert PAGE.count("`make bench ONLY=ingest`") == 3


def test_the_table_has_every_contestant_and_a_dash_where_nothing_was_measured() -> None:
    assert "| **Scribe** | 4 000 (3 900\N{EN DASH}4 100) | 12.3 |" in PAGE
    assert "| theirs \\| plain | 1 000 | \N{EN DASH} |" in PAGE


def test_the_claims_the_pictures_and_the_notes_are_there() -> None:
    assert "| throughput | 500 KB/s | 400 000 KB/s |" in PAGE
    assert "![Durable ingest](performance/ingest.svg)" in PAGE
    assert "- It rained." in PAGE


def test_a_quick_run_is_said_to_be_one() -> None:
    (ingest,) = REPORT.results
    quick = replace(REPORT, results=(replace(ingest, size="quick"),))
    assert "It was a quick run." in render(quick, {})
    assert "quick run" not in PAGE


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(1234567.0, 0, "1 234 567"), (0.25, 2, "0.25"), (-1.5, 1, "-1.5")]
)
def test_thousands_are_set_apart(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


def test_counts_have_no_digits_after_the_point() -> None:
    assert digits_for(Spread(0.0, 0.0, 2.0, 3)) == 0
    assert digits_for(Spread(0.0, 0.0, 0.5, 3)) == 2
