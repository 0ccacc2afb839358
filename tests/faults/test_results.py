"""Results survive between runs, and leave with their drill."""

from pathlib import Path

from tests.faults.drill import Outcome
from tests.faults.results import Results, held, merged, read, write


def result(name: str, injected: int) -> Results:
    return Results("machine", (held(name, Outcome(injected, 1), 1, 1.0, "2026-01-02"),))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    results = result("kill", 3)
    write(tmp_path / "new" / "results.json", results)
    assert read(tmp_path / "new" / "results.json") == results


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert read(tmp_path / "results.json").results == ()


def test_new_results_replace_old_ones_in_the_order_of_the_names() -> None:
    both = Results("old", (*result("b", 1).results, *result("a", 1).results))
    found = merged(both, result("b", 9), ["a", "b", "c"])
    assert [(each.name, each.injected) for each in found.results] == [("a", 1), ("b", 9)]
    assert found.machine == "machine"


def test_a_drill_that_is_gone_takes_its_result_with_it() -> None:
    assert merged(result("gone", 1), Results("machine"), ["a"]).results == ()
