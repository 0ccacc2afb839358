import pytest
from aiohttp.test_utils import make_mocked_request

from scribe_server.http_api.services import bearer


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
    ],
)
def test_the_token_follows_the_word_bearer(header: str, token: str | None) -> None:
    request = make_mocked_request("GET", "/", headers={"Authorization": header})
    assert bearer(request) == token


def test_no_header_is_no_token() -> None:
    assert bearer(make_mocked_request("GET", "/")) is None
