from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_server.config import ServerConfig
from scribe_server.protocol import SessionStatus
from scribe_server.retention.policy import (
    DAY_MS,
    Decision,
    Facts,
    Reason,
    Rules,
    Step,
    decide,
    is_transcribed,
)

NOW = 1_700_000_000_000
RULES = Rules(7, 30, 0, ("faster-whisper",), cold_without_transcript=False)
HOT = Facts(SessionStatus.COMPLETE, NOW - 8 * DAY_MS, None, held=False, transcribed=False)
WARM = replace(HOT, status=SessionStatus.ARCHIVED, moved_at=NOW - 31 * DAY_MS)
COLD = replace(HOT, status=SessionStatus.COLD, moved_at=NOW - 31 * DAY_MS)
STATUSES = st.sampled_from(SessionStatus)
TIMES = st.integers(NOW - 100 * DAY_MS, NOW + 100 * DAY_MS)


def facts() -> st.SearchStrategy[Facts]:
    return st.builds(Facts, STATUSES, TIMES, st.none() | TIMES, st.booleans(), st.booleans())


def rules() -> st.SearchStrategy[Rules]:
    days = st.integers(0, 60)
    return st.builds(Rules, st.integers(1, 60), days, days, st.just(("x",)), st.booleans())


def test_the_rules_are_those_of_the_settings() -> None:
    config = ServerConfig(Path("a"), Path("b"), Path("c"))
    assert Rules.of(config) == Rules(
        7, 30, 0, ("faster-whisper", "openai"), cold_without_transcript=False
    )


def test_a_complete_session_is_archived_after_the_retention_days() -> None:
    due_at = HOT.completed_at + 7 * DAY_MS
    assert decide(HOT, RULES, due_at - 1) == Decision(Step.STAY, Reason.NOT_DUE, due_at)
    assert decide(HOT, RULES, due_at) == Decision(Step.ARCHIVE, Reason.DUE, due_at)


def test_a_restored_session_stays_hot_for_as_long_again() -> None:
    restored = replace(HOT, moved_at=NOW - DAY_MS)
    assert decide(restored, RULES, NOW).step is Step.STAY
    assert decide(restored, RULES, NOW + 6 * DAY_MS).step is Step.ARCHIVE


@pytest.mark.parametrize(
    "status",
    sorted(set(SessionStatus) - {SessionStatus.COMPLETE, SessionStatus.ARCHIVED, "cold"}),
)
def test_a_session_that_is_not_complete_never_moves(status: SessionStatus) -> None:
    old = replace(HOT, status=status, completed_at=0)
    assert decide(old, RULES, NOW) == Decision(Step.STAY, Reason.NOT_COMPLETE)


def test_a_legal_hold_keeps_a_session_where_it_is() -> None:
    generous = replace(RULES, cold_days=1, cold_without_transcript=True)
    for one in (HOT, WARM, COLD):
        held = decide(replace(one, held=True), generous, NOW)
        assert (held.step, held.reason) == (Step.BLOCKED, Reason.HELD)


def test_an_archive_keeps_its_audio_until_a_transcript_stands_in_for_it() -> None:
    assert decide(WARM, RULES, NOW).reason is Reason.NO_TRANSCRIPT
    assert decide(replace(WARM, transcribed=True), RULES, NOW).step is Step.COOL


def test_an_archive_loses_its_audio_without_a_transcript_only_when_the_settings_say_so() -> None:
    assert decide(WARM, replace(RULES, cold_without_transcript=True), NOW).step is Step.COOL


def test_zero_days_are_for_ever() -> None:
    forever = replace(RULES, warm_days=0, cold_days=0, cold_without_transcript=True)
    for one in (WARM, COLD):
        assert decide(one, forever, NOW + 36_500 * DAY_MS) == Decision(Step.STAY, Reason.FOR_EVER)


def test_a_cold_session_is_removed_after_the_cold_days() -> None:
    assert decide(COLD, replace(RULES, cold_days=30), NOW).step is Step.REMOVE
    assert decide(COLD, replace(RULES, cold_days=32), NOW).reason is Reason.NOT_DUE


@given(facts(), rules(), TIMES)
def test_nothing_is_ever_done_before_it_is_due(one: Facts, wanted: Rules, now: int) -> None:
    found = decide(one, wanted, now)
    if found.step is not Step.STAY:
        assert found.due_at is not None
        assert found.due_at <= now
    if found.step in {Step.ARCHIVE, Step.COOL, Step.REMOVE}:
        assert not one.held


@given(facts(), rules(), TIMES)
def test_audio_goes_only_from_an_archive_with_a_transcript_or_by_the_settings_word(
    one: Facts, wanted: Rules, now: int
) -> None:
    if decide(one, wanted, now).step is Step.COOL:
        assert one.status is SessionStatus.ARCHIVED
        assert one.transcribed or wanted.cold_without_transcript


@given(facts(), rules(), TIMES, st.integers(0, 90))
def test_what_may_move_may_move_later_too(one: Facts, wanted: Rules, now: int, days: int) -> None:
    before, after = (decide(one, wanted, at).step for at in (now, now + days * DAY_MS))
    if before is not Step.STAY:
        assert after is before


def test_a_session_is_transcribed_when_every_chunk_is_by_an_accepted_engine() -> None:
    done = {0: ["openai"], 1: ["draft", "faster-whisper"], 2: ["draft"]}
    accepted = ("faster-whisper", "openai")
    assert is_transcribed([0, 1], done, accepted)
    assert not is_transcribed([0, 1, 2], done, accepted)
    assert not is_transcribed([0, 3], done, accepted)
    assert is_transcribed([], {}, accepted)
