from dataclasses import replace

import pytest

from tests.bench.made_results import FAST, REPORT, SMALL
from tests.bench.results import LOAD, Report, from_json, merged, to_json


@pytest.mark.parametrize(("value", "share"), [(3.0, 0.25), (4.0, 0.0), (9.0, 0.0)])
def test_a_goal_to_be_passed_is_missed_from_below_by_a_share_of_it(
    value: float, share: float
) -> None:
    assert FAST.missed_by(value) == share


@pytest.mark.parametrize(("value", "share"), [(1050.0, 0.5), (700.0, 0.0), (9.0, 0.0)])
def test_a_limit_is_missed_from_above_by_a_share_of_it(value: float, share: float) -> None:
    assert SMALL.missed_by(value) == share


def test_a_figure_is_judged_by_its_median_not_by_its_best_round() -> None:
    fast, small = REPORT.results[0].result.figures
    assert (fast.reached, small.reached) == (False, True)


def test_a_report_comes_back_from_json_as_it_was() -> None:
    assert from_json(to_json(REPORT)) == REPORT


def test_a_run_of_one_benchmark_leaves_the_results_of_the_others() -> None:
    (ingest,) = REPORT.results
    disk = replace(ingest, result=replace(ingest.result, name="raw_disk"))
    newer = replace(ingest, at="2026-02-03")
    old = Report((*REPORT.machine, (LOAD, "0.10")), (ingest, disk))
    now = (*REPORT.machine, (LOAD, "1.25"))

    whole = merged(old, Report(now, (newer,)), ("raw_disk", "ingest"))

    assert whole == Report(now, (disk, newer))


def test_results_from_another_machine_do_not_stay() -> None:
    old = replace(REPORT, machine=(("CPU", "two"),))
    assert merged(old, Report(REPORT.machine, ()), ("ingest",)) == Report(REPORT.machine, ())


def test_the_first_run_has_nothing_to_leave() -> None:
    assert merged(None, REPORT, ("ingest",)) == REPORT
