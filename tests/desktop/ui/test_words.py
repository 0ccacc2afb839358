from datetime import datetime, timedelta, timezone

import pytest

from scribe_desktop.model import CaptureState, Level, SessionState, SyncStatus
from scribe_desktop.ui.words import Words, clock, seconds
from tests.desktop.ui.fake_app import NOON, PART, session, status_of

WORDS = Words()
BERLIN = timezone(timedelta(hours=2))


def recorded(recorded_s: int, safe_s: int, *, local: bool = False) -> str:
    status = status_of(CaptureState.RECORDING, seconds=recorded_s, safe=safe_s, local=local)
    return WORDS.recorded(status)


@pytest.mark.parametrize(
    ("whole", "shown"),
    [(0, "0:00"), (7, "0:07"), (2530, "42:10"), (3599, "59:59"), (3730, "1:02:10")],
)
def test_a_clock_shows_hours_only_when_there_are_some(whole: int, shown: str) -> None:
    assert clock(whole) == shown


@pytest.mark.parametrize(("samples", "whole"), [(-5, 0), (0, 0), (47_999, 0), (48_000, 1)])
def test_seconds_are_rounded_down(samples: int, whole: int) -> None:
    assert seconds(samples) == whole


def test_the_honest_line() -> None:
    assert recorded(2530, 2490) == (
        "42:10 recorded · 41:30 safe on the server · 40 s only on this computer"
    )


def test_the_honest_line_with_the_bundled_server() -> None:
    assert recorded(2530, 0, local=True) == "42:10 recorded · all of it saved on this computer"


def test_the_honest_line_when_nothing_is_elsewhere() -> None:
    assert recorded(12, 0) == "12 s recorded · all of it only on this computer"


def test_the_honest_line_when_all_is_safe() -> None:
    assert recorded(90, 90) == "1:30 recorded · all of it safe on the server"


def test_never_more_is_said_to_be_safe_than_was_recorded() -> None:
    assert recorded(29, 30) == "29 s recorded · all of it safe on the server"


@pytest.mark.parametrize(
    ("recorded_s", "safe_s", "said"),
    [
        (90, 0, "all of it only on this computer"),
        (90, 60, "all but 30 s on the server"),
        (90, 90, "all of it on the server"),
    ],
)
def test_the_short_form_for_tooltips(recorded_s: int, safe_s: int, said: str) -> None:
    status = status_of(CaptureState.RECORDING, seconds=recorded_s, safe=safe_s)
    assert WORDS.whereabouts(status) == said


@pytest.mark.parametrize(
    ("peak", "word"),
    [(-120.0, "No sound"), (-60.0, "Quiet"), (-12.0, "Good"), (-0.3, "Too loud")],
)
def test_the_meter_has_a_word(peak: float, word: str) -> None:
    assert WORDS.level(Level(peak, peak)) == word


@pytest.mark.parametrize(
    ("changes", "state", "remote", "local"),
    [
        ({"ended_at": None}, SessionState.RECORDING, "Recording", "Recording"),
        ({"ended_at": None, "paused": True}, SessionState.PAUSED, "Paused", "Paused"),
        (
            {"has_receipt": False, "acked_chunks": 0},
            SessionState.LOCAL,
            "Only on this computer",
            "Saved on this computer",
        ),
        (
            {"has_receipt": False, "acked_chunks": 12, "chunks": 120},
            SessionState.SENDING,
            "Sending 12 of 120",
            "Checking 12 of 120",
        ),
        (
            {},
            SessionState.VERIFIED,
            "Verified on the server",
            "Stored and checked on this computer",
        ),
        (
            {"refused_chunks": 1},
            SessionState.PROBLEM,
            "Needs your attention",
            "Needs your attention",
        ),
    ],
)
def test_every_session_state_has_words_for_both_kinds_of_server(
    changes: dict[str, object], state: SessionState, remote: str, local: str
) -> None:
    found = session(**changes)
    assert found.state is state
    assert WORDS.session_state(found, local=False) == remote
    assert WORDS.session_state(found, local=True) == local


@pytest.mark.parametrize(
    ("days", "day"), [(0, "Today"), (1, "Yesterday"), (2, "2026-10-07"), (-1, "2026-10-07")]
)
def test_a_session_says_when_it_was_in_local_time(days: int, day: str) -> None:
    now = datetime.fromtimestamp(NOON / 1000, tz=BERLIN) + timedelta(days=days)
    said = WORDS.session_facts(session(total_samples=2 * PART), now)
    assert said == f"{day} 14:00 · 1:00"


def test_a_running_session_has_no_length_yet() -> None:
    now = datetime.fromtimestamp(NOON / 1000, tz=BERLIN)
    assert WORDS.session_facts(session(ended_at=None), now) == "Today 14:00"


@pytest.mark.parametrize(
    ("sync", "said"),
    [
        (SyncStatus(local=True, server="http://127.0.0.1:5000"), "This computer"),
        (SyncStatus(local=False, server="https://scribe.example:8443"), "scribe.example:8443"),
        (SyncStatus(local=False), "No server yet"),
    ],
)
def test_where_recordings_go(sync: SyncStatus, said: str) -> None:
    assert WORDS.server(sync) == said


@pytest.mark.parametrize("state", CaptureState)
def test_every_capture_state_has_a_word(state: CaptureState) -> None:
    assert WORDS.capture(state)


def test_every_sentence_goes_through_the_translation() -> None:
    german = {"{time} recorded": "{time} aufgenommen"}
    words = Words(lambda text: german.get(text, text))
    assert words.recorded(status_of(CaptureState.RECORDING, seconds=1)).startswith("1 s aufgenom")
