import pytest

from scribe_server.http_api.ranges import Slice, matches, requested


@pytest.mark.parametrize(
    ("header", "start", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=2-5", 2, 4),
        ("bytes=5-", 5, 5),
        ("bytes=8-100", 8, 2),
        ("bytes=-3", 7, 3),
        ("bytes=-100", 0, 10),
        ("Bytes= 1-2 ", 1, 2),
    ],
)
def test_a_single_range_is_cut_to_what_there_is(header: str, start: int, length: int) -> None:
    assert requested(header, 10) == Slice(start, length, 10)


@pytest.mark.parametrize(
    "header", [None, "", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=a-b"]
)
def test_what_is_no_single_range_asks_for_the_whole(header: str | None) -> None:
    assert requested(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(ValueError, match="range"):
        requested(header, 10)


def test_the_content_range_names_first_last_and_size() -> None:
    assert Slice(2, 4, 10).content_range == "bytes 2-5/10"


@pytest.mark.parametrize(
    ("header", "result"),
    [(None, False), ('"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False), ("a", False)],
)
def test_if_none_match_compares_weakly(header: str | None, result: bool) -> None:
    assert matches(header, '"a"') is result
