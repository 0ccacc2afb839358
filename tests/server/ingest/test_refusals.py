import logging

import pytest

from scribe_server.ingest.refusals import code_of, failed, session_error
from scribe_server.protocol import ErrorCode
from scribe_server.store import StorageError, StorageFailedError, StorageFullError
from tests.parts.store import SESSION


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StorageFullError("no room"), ErrorCode.STORAGE_FULL),
        (StorageFailedError("EIO"), ErrorCode.STORAGE_FAILED),
        (StorageError("else"), ErrorCode.STORAGE_FAILED),
    ],
)
def test_full_and_failed_storage_are_told_apart(error: StorageError, code: ErrorCode) -> None:
    assert code_of(error) is code


@pytest.mark.logs_errors
def test_a_failure_is_logged_with_its_reason_and_told_without_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusal = failed(StorageFailedError("segment 3: EIO"), SESSION)
    assert refusal == session_error(ErrorCode.STORAGE_FAILED, SESSION)
    assert "segment 3" not in refusal.error
    assert [(r.levelno, "segment 3: EIO" in r.getMessage()) for r in caplog.records] == [
        (logging.ERROR, True)
    ]
