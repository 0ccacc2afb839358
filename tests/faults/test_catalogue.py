from tests.faults import catalogue
from tests.faults.__main__ import names


def test_a_quick_run_leaves_out_what_differs_from_another_in_degree_only() -> None:
    assert set(names(quick=False)) - set(names(quick=True)) >= {"hole-30", "hole-late"}
    assert names(quick=False) == list(catalogue.NAMES)


def test_names_are_unique_because_results_are_kept_by_them() -> None:
    assert len(set(catalogue.NAMES)) == len(catalogue.NAMES)
