import pytest

from scribe_server.protocol import SessionStatus
from scribe_server.store.status import derive_status

RECORDING, INCOMPLETE, COMPLETE = (
    SessionStatus.RECORDING,
    SessionStatus.INCOMPLETE,
    SessionStatus.COMPLETE,
)


@pytest.mark.parametrize(
    ("stopped", "stored", "rows", "expected", "promised", "status"),
    [
        (False, 3, 3, None, True, RECORDING),
        (False, 3, 3, 3, True, RECORDING),
        (True, 3, 3, 3, True, COMPLETE),
        (True, 0, 0, 0, True, COMPLETE),
        (True, 3, 3, 3, False, INCOMPLETE),  # no receipt yet
        (True, 2, 2, 3, True, INCOMPLETE),  # one is missing
        (True, 2, 3, 3, True, INCOMPLETE),  # one is damaged
        (True, 4, 4, 3, True, INCOMPLETE),  # one came after the receipt
        (True, 3, 3, None, True, INCOMPLETE),  # nobody said how many
    ],
)
def test_the_status_follows_from_the_counts(
    stopped: bool,
    stored: int,
    rows: int,
    expected: int | None,
    promised: bool,
    status: SessionStatus,
) -> None:
    assert (
        derive_status(
            stopped=stopped, stored=stored, rows=rows, expected=expected, promised=promised
        )
        is status
    )
