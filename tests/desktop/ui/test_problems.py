import pytest

from scribe_desktop.model import CaptureReason, CaptureState, CaptureStatus, SyncState, SyncStatus
from scribe_desktop.room import MB, Room
from scribe_desktop.ui.problems import (
    Fix,
    Problem,
    capture_problem,
    room_problem,
    storage_problem,
    sync_problem,
)
from scribe_desktop.ui.words import Words

WORDS = Words()


@pytest.mark.parametrize("reason", set(CaptureReason) - {CaptureReason.NONE})
def test_every_reason_has_a_heading_a_sentence_and_a_remedy(reason: CaptureReason) -> None:
    problem = capture_problem(CaptureStatus(reason=reason, device="USB mic"), WORDS)
    assert problem is not None
    assert problem.title
    assert problem.message.endswith(".")
    assert problem.remedy.endswith(".")


def test_a_lost_microphone_is_named() -> None:
    status = CaptureStatus(reason=CaptureReason.NO_DEVICE, device="AirPods")
    problem = capture_problem(status, WORDS)
    assert problem is not None
    assert problem.message == "“AirPods” is gone. The recording waits for it."


def test_an_error_without_a_reason_is_a_failed_recording() -> None:
    problem = capture_problem(CaptureStatus(error="The encoder broke."), WORDS)
    assert problem == Problem(
        "Recording failed", "The encoder broke.", "What was recorded is safe.", Fix.RECORD
    )


def test_no_reason_and_no_error_is_no_problem() -> None:
    assert capture_problem(CaptureStatus(), WORDS) is None


@pytest.mark.parametrize("state", set(SyncState) - {SyncState.ERROR})
def test_what_passes_by_itself_is_no_problem(state: SyncState) -> None:
    assert sync_problem(SyncStatus(state=state), WORDS) is None


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("unauthorized", "Sign in again"),
        ("token_expired", "Sign in again"),
        ("quota_exceeded", "Server full"),
        ("storage_full", "Server full"),
        ("conflict", "Not sent"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_where_the_sound_is(code: str, title: str) -> None:
    problem = sync_problem(SyncStatus(state=SyncState.ERROR, error_code=code), WORDS)
    assert problem is not None
    assert problem.title == title
    assert problem.message.endswith(".")
    assert problem.remedy == "Your recordings are safe on this computer."
    assert problem.fix is Fix.SEND_NOW


def test_the_servers_own_words_go_first() -> None:
    status = SyncStatus(state=SyncState.ERROR, error_code="conflict", error="Stored twice.")
    problem = sync_problem(status, WORDS)
    assert problem is not None
    assert problem.message == "Stored twice."


def test_a_disk_that_refuses_a_running_recording_is_said_with_where_the_sound_is() -> None:
    status = CaptureStatus(CaptureState.RECORDING, CaptureReason.SPOOL, error="EIO.")
    problem = capture_problem(status, WORDS)
    assert problem is not None
    assert "held in memory" in problem.message
    assert problem.fix is Fix.NONE


def test_recordings_in_another_folder_are_a_problem_with_a_remedy() -> None:
    assert storage_problem("", WORDS) is None
    problem = storage_problem("They are in /there.", WORDS)
    assert problem is not None
    assert problem.message == "They are in /there."
    assert problem.remedy


@pytest.mark.parametrize(
    ("free", "title"),
    [
        (1023 * MB, "Little room on this computer"),
        (499 * MB, "Very little room on this computer"),
        (63 * MB, "Disk full"),
    ],
)
def test_little_room_is_said_in_three_steps(free: int, title: str) -> None:
    problem = room_problem(Room(free, 20), WORDS)
    assert problem is not None
    assert problem.title == title


def test_plenty_of_room_is_no_problem() -> None:
    assert room_problem(None, WORDS) is None
    assert room_problem(Room(1024 * MB, 20), WORDS) is None
