from dataclasses import replace
from itertools import product

import pytest

from scribe_desktop.model import CaptureReason, CaptureState, SyncState
from scribe_desktop.room import MB, Room
from scribe_desktop.ui.presenter import Badge, Base, Icon, Matter, present
from scribe_desktop.ui.problems import Fix
from scribe_desktop.ui.words import Words
from tests.desktop.ui.fake_app import status_of

WORDS = Words()
BASES = {
    CaptureState.IDLE: Base.IDLE,
    CaptureState.STARTING: Base.STARTING,
    CaptureState.RECORDING: Base.RECORDING,
    CaptureState.PAUSED: Base.PAUSED,
    CaptureState.FINALISING: Base.STARTING,
}
BADGES_WHILE_SOMETHING_WAITS = {
    SyncState.ERROR: Badge.ATTENTION,
    SyncState.OFFLINE: Badge.OFFLINE,
    SyncState.CONNECTING: Badge.WAITING,
    SyncState.SYNCING: Badge.SYNCING,
    SyncState.HELD: Badge.WAITING,
    SyncState.IDLE: Badge.NONE,
}
MATTERS_WHILE_IDLE = {
    SyncState.ERROR: Matter.SIGN_IN_OR_DISK,
    SyncState.OFFLINE: Matter.BUFFERING,
    SyncState.CONNECTING: Matter.BUFFERING,
    SyncState.SYNCING: Matter.SYNCING,
    SyncState.HELD: Matter.BUFFERING,
    SyncState.IDLE: Matter.IDLE,
}
EVERYTHING = list(product(CaptureState, SyncState))
TROUBLE = [reason for reason in CaptureReason if reason is not CaptureReason.NONE]


def expected_matter(state: CaptureState, sync: SyncState) -> Matter:
    if sync is SyncState.ERROR:
        return Matter.SIGN_IN_OR_DISK
    return MATTERS_WHILE_IDLE[sync] if state is CaptureState.IDLE else Matter.RECORDING


@pytest.mark.parametrize(("state", "sync"), EVERYTHING)
def test_capture_gives_the_shape_and_sync_the_badge(state: CaptureState, sync: SyncState) -> None:
    view = present(status_of(state, sync, pending=3), WORDS)
    assert view.icon == Icon(BASES[state], BADGES_WHILE_SOMETHING_WAITS[sync])
    assert view.matter is expected_matter(state, sync)


@pytest.mark.parametrize(("state", "sync"), EVERYTHING)
def test_every_view_has_words(state: CaptureState, sync: SyncState) -> None:
    view = present(status_of(state, sync, pending=3, seconds=10), WORDS)
    assert view.tooltip.startswith("Scribe — ")
    assert view.headline
    assert "3 parts" in view.sync
    assert bool(view.recorded) is (state is not CaptureState.IDLE)
    assert view.capturing is (state is not CaptureState.IDLE)


@pytest.mark.parametrize(("state", "sync"), EVERYTHING)
@pytest.mark.parametrize("reason", TROUBLE)
def test_a_problem_of_capture_goes_before_everything(
    state: CaptureState, sync: SyncState, reason: CaptureReason
) -> None:
    view = present(status_of(state, sync, capture={"reason": reason}), WORDS)
    full = reason is CaptureReason.DISK_FULL
    assert view.matter is (Matter.SIGN_IN_OR_DISK if full else Matter.CAPTURE_PROBLEM)
    assert view.icon.base is Base.PROBLEM
    assert view.problem is not None
    assert view.tooltip.startswith(f"Scribe — {view.problem.title}")
    assert view.problem.fix is (Fix.RECORD if state is CaptureState.IDLE else Fix.NONE)


@pytest.mark.parametrize(("state", "sync"), EVERYTHING)
@pytest.mark.parametrize("pending", [0, 2])
def test_with_the_bundled_server_nothing_says_server(
    state: CaptureState, sync: SyncState, pending: int
) -> None:
    status = status_of(state, sync, local=True, seconds=90, pending=pending)
    view = present(status, WORDS)
    if sync is not SyncState.ERROR:
        assert "server" not in f"{view.tooltip} {view.recorded} {view.sync}".lower()
    assert view.icon.badge is not Badge.OFFLINE


@pytest.mark.parametrize("state", CaptureState)
def test_the_enabled_actions_follow_from_the_capture_state(state: CaptureState) -> None:
    actions = present(status_of(state), WORDS).actions
    running = {CaptureState.RECORDING, CaptureState.PAUSED}
    assert actions.start is (state is CaptureState.IDLE)
    assert actions.pause is (state is CaptureState.RECORDING)
    assert actions.resume is (state is CaptureState.PAUSED)
    assert actions.stop is (state in running | {CaptureState.STARTING})
    assert actions.mark is (state in running)


@pytest.mark.parametrize("sync", SyncState)
def test_sending_now_is_offered_while_sending_is_stuck(sync: SyncState) -> None:
    stuck = {SyncState.OFFLINE, SyncState.CONNECTING, SyncState.HELD, SyncState.ERROR}
    waiting = status_of(sync=sync, pending=1)
    assert present(waiting, WORDS).actions.send_now is (sync in stuck)
    assert not present(waiting, WORDS, sync_paused=True).actions.send_now
    assert not present(status_of(sync=sync), WORDS).actions.send_now


def test_being_offline_is_no_news_while_nothing_waits() -> None:
    view = present(status_of(sync=SyncState.OFFLINE), WORDS)
    assert view.icon == Icon()
    assert view.matter is Matter.IDLE
    assert view.tooltip == "Scribe — Ready · All recordings are safe on the server"


def test_being_offline_is_news_while_recording() -> None:
    view = present(status_of(CaptureState.RECORDING, SyncState.OFFLINE), WORDS)
    assert view.icon.name == "recording-offline"


@pytest.mark.parametrize("sync", set(SyncState) - {SyncState.ERROR})
def test_sending_held_back_by_the_person_shows_what_waits(sync: SyncState) -> None:
    waiting = present(status_of(sync=sync, pending=1), WORDS, sync_paused=True)
    assert waiting.icon.badge is Badge.WAITING
    assert waiting.sync == "Paused: 1 part only on this computer"
    nothing = present(status_of(sync=sync), WORDS, sync_paused=True)
    assert nothing.icon.badge is Badge.NONE


def test_the_tooltip_says_what_is_not_on_the_server_yet() -> None:
    status = status_of(CaptureState.RECORDING, SyncState.SYNCING, seconds=761, safe=721, pending=2)
    assert present(status, WORDS).tooltip == "Scribe — Recording 12:41 · all but 40 s on the server"


def test_the_tooltip_of_the_bundled_server_says_that_all_is_here() -> None:
    status = status_of(CaptureState.RECORDING, local=True, seconds=761)
    assert present(status, WORDS).tooltip == "Scribe — Recording 12:41 · all of it on this computer"


def test_an_expired_sign_in_leads_the_tooltip_while_recording() -> None:
    status = status_of(
        CaptureState.RECORDING, SyncState.ERROR, error_code="token_expired", seconds=5
    )
    view = present(status, WORDS)
    assert view.tooltip == (
        "Scribe — Sign in again · Recording 0:05 · all of it only on this computer"
    )
    assert view.icon.name == "recording-attention"


def test_while_recording_nothing_says_that_all_is_safe() -> None:
    view = present(status_of(CaptureState.RECORDING), WORDS)
    assert view.sync == "No part waits to be sent"
    assert view.tooltip == "Scribe — Recording 0:00 · all of it only on this computer"


def test_a_missing_receipt_is_waited_for_in_words() -> None:
    view = present(status_of(sync=SyncState.SYNCING, awaiting_receipt=1), WORDS)
    assert view.sync == "Waiting for the receipt"


def test_the_time_is_zero_when_nothing_is_recorded() -> None:
    status = status_of()
    left_over = replace(status, capture=replace(status.capture, samples=48_000 * 90))
    assert present(left_over, WORDS).clock == "0:00"


def test_recordings_elsewhere_come_before_little_room_and_after_any_trouble() -> None:
    little = Room(600 * MB, 20)
    moved = replace(status_of(), storage="They are there.", room=little)
    problem = present(moved, WORDS).problem
    assert problem is not None
    assert problem.message == "They are there."
    room = present(replace(moved, storage=""), WORDS).problem
    assert room is not None
    assert room.message == "Room for 20 more minutes."
    failing = replace(moved, sync=replace(moved.sync, state=SyncState.ERROR))
    first = present(failing, WORDS).problem
    assert first is not None
    assert first.title == "Not sent"
