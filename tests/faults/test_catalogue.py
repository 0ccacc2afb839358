"""Every drill can be called by its name, and a quick run leaves out none but twins."""

from tests.faults import catalogue


def test_names_are_unique_and_find_their_drills() -> None:
    assert len(set(catalogue.NAMES)) == len(catalogue.NAMES)
    assert [catalogue.by_name(name).name for name in catalogue.NAMES] == list(catalogue.NAMES)


def test_twins_are_drills_and_every_group_of_single_faults_has_a_quick_one() -> None:
    assert set(catalogue.NAMES) >= catalogue.TWINS
    groups = {drill.group for drill in catalogue.DRILLS} - {"Combinations"}
    assert {catalogue.by_name(name).group for name in catalogue.QUICK_NAMES} == groups
