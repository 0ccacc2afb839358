import pytest

from tests.bench.tus_link import answer_ends, request

CREATED = b"HTTP/1.1 201 Created\r\nLocation: /files/1\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 500 Oops\r\ncontent-length: 5\r\n\r\nsorry"
STREAMED = b"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnon\r\n0\r\n\r\n"


@pytest.mark.parametrize("whole", [CREATED, REFUSED, STREAMED])
def test_an_answer_ends_with_its_body(whole: bytes) -> None:
    assert answer_ends(whole) == len(whole)
    assert answer_ends(whole + b"HTTP/1.1 201") == len(whole)


@pytest.mark.parametrize("whole", [CREATED, REFUSED, STREAMED])
def test_an_answer_that_is_not_all_there_has_no_end(whole: bytes) -> None:
    assert [answer_ends(whole[:cut]) for cut in range(len(whole))] == [None] * len(whole)


def test_an_upload_comes_whole_with_its_creation() -> None:
    head = request(100_000).decode()
    assert head.startswith("POST /files HTTP/1.1\r\n")
    assert "Upload-Length: 100000\r\n" in head
    assert head.endswith("Content-Length: 100000\r\n\r\n")
