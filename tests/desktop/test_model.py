from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scribe_desktop.model import Session, SessionState, Status, now_ms

LOCAL = Session(
    session_id="00000000-0000-4000-8000-000000000001",
    title="A meeting",
    source="mic",
    started_at=1_000,
    timezone="Europe/Berlin",
    channels=1,
    bitrate=32_000,
    device="",
    forked_from=None,
    paused=False,
    recovered=False,
    ended_at=61_000,
    total_samples=2_880_000,
    chunks=2,
    acked_chunks=0,
    refused_chunks=0,
    bytes=240_000,
    refused_code=None,
    has_receipt=False,
    audio_deleted_at=None,
)


@pytest.mark.parametrize(
    ("session", "state"),
    [
        (replace(LOCAL, ended_at=None), SessionState.RECORDING),
        (replace(LOCAL, ended_at=None, paused=True), SessionState.PAUSED),
        (LOCAL, SessionState.LOCAL),
        (replace(LOCAL, acked_chunks=1), SessionState.SENDING),
        (replace(LOCAL, acked_chunks=2), SessionState.SENDING),
        (replace(LOCAL, acked_chunks=2, has_receipt=True), SessionState.VERIFIED),
        (replace(LOCAL, refused_chunks=1, has_receipt=True), SessionState.PROBLEM),
        (replace(LOCAL, refused_code="conflict", ended_at=None), SessionState.PROBLEM),
    ],
)
def test_a_sessions_state_is_one_word(session: Session, state: SessionState) -> None:
    assert session.state is state


def test_the_clock_counts_milliseconds_since_1970() -> None:
    assert datetime.fromtimestamp(now_ms() / 1000, UTC).year >= 2024


def test_the_first_status_promises_nothing() -> None:
    status = Status()
    assert (status.capture.state, status.sync.state) == ("idle", "offline")
    assert status.session_acked == status.revision == 0
