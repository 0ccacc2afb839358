from scribe_desktop.doctor.findings import NOTICES, Finding, Kind, of_parts


def test_a_notice_is_no_problem() -> None:
    assert not Finding(Kind.QUARANTINED, "It was put aside.").is_problem
    assert Finding(Kind.PART_DAMAGED, "It is damaged.").is_problem
    assert len(NOTICES) < len(Kind) / 2


def test_parts_with_the_same_trouble_are_one_finding() -> None:
    (found,) = of_parts(Kind.PART_DAMAGED, "s", [4, 1, 2, 2], "are damaged.")
    assert found.message == "Parts 1-2, 4 of s are damaged."
    assert (found.session, found.sequences) == ("s", ((1, 2), (4, 4)))
    assert of_parts(Kind.PART_DAMAGED, "s", [], "are damaged.") == []
