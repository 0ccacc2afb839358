import pytest

from scribe_server.protocol import SessionStatus
from scribe_server.store.status import Archived, derive_status

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


@pytest.mark.parametrize(
    ("archived", "status"),
    [
        (None, COMPLETE),
        (Archived(audio=True, hot=0), SessionStatus.ARCHIVED),
        (Archived(audio=True, hot=1), COMPLETE),  # being restored, or restored
        (Archived(audio=False, hot=0), SessionStatus.COLD),
        (Archived(audio=False, hot=3), COMPLETE),  # sent again by a client that had it
    ],
)
def test_a_complete_session_is_archived_when_none_of_it_is_hot(
    archived: Archived | None, status: SessionStatus
) -> None:
    told = {"stopped": True, "stored": 3, "rows": 3, "promised": True}
    assert derive_status(**told, expected=3, archived=archived) is status  # type: ignore[arg-type]
    if status is not COMPLETE:
        assert derive_status(**told, expected=4, archived=archived) is INCOMPLETE  # type: ignore[arg-type]
