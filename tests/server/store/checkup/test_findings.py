from scribe_server.store.checkup.findings import Finding, Kind, ranges_in_words


def test_a_notice_is_no_problem_and_all_else_is() -> None:
    assert Finding(Kind.CHUNK_DAMAGED, "").is_problem
    assert not Finding(Kind.SESSION_INCOMPLETE, "").is_problem


def test_ranges_in_words() -> None:
    assert ranges_in_words(((0, 3), (7, 7))) == "0-3, 7"
