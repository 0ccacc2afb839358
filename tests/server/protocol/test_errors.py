import pytest

from scribe_server.protocol import ERRORS, ErrorCode

RETRYABLE = {
    "checksum_mismatch",
    "quota_exceeded",
    "rate_limited",
    "busy",
    "storage_full",
    "storage_failed",
    "internal",
}


def test_every_code_is_in_the_table_once() -> None:
    assert set(ERRORS) == set(ErrorCode)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_refusal_is_a_sentence_with_a_status_of_a_refusal(code: ErrorCode) -> None:
    spec = ERRORS[code]
    assert spec.text.endswith(".")
    assert spec.text[0].isupper()
    assert 400 <= spec.http_status < 600
    assert spec.retryable is (code.value in RETRYABLE)
