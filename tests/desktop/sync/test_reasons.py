import pytest

from scribe_desktop.sync import reasons
from scribe_desktop.sync.reasons import sentence
from scribe_server.protocol import ERRORS, ErrorCode

OURS = [
    value
    for name, value in vars(reasons).items()
    if name.isupper() and isinstance(value, str) and not name.startswith("_")
]


@pytest.mark.parametrize("code", [*OURS, *ErrorCode])
def test_every_code_has_a_sentence(code: str) -> None:
    assert sentence(code).endswith(".")
    assert not sentence(code).startswith("The server refused:")


def test_an_unknown_code_is_at_least_named() -> None:
    assert "brand_new" in sentence("brand_new")


def test_what_is_held_or_stops_is_classified_once() -> None:
    groups = [reasons.SIGN_IN_CODES, reasons.SESSION_CODES, reasons.HOLD_CODES]
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert all(ERRORS[code].retryable for code in reasons.HOLD_CODES)
    assert not any(ERRORS[code].retryable for code in reasons.SIGN_IN_CODES)
    assert not any(ERRORS[code].retryable for code in reasons.SESSION_CODES)
