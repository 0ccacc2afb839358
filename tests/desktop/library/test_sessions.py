from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_desktop.errors import UsageError
from scribe_desktop.library.sessions import (
    DAY_MS,
    LARGEST_STEP_MS,
    KeptAudio,
    SeenTime,
    advance,
    audio_to_delete,
    delete_confirmed_audio,
    expired_audio,
    find_session,
    only_here,
    summary_of,
)
from scribe_desktop.spool import Spool
from tests.parts.delivered import deliver
from tests.parts.filled_spool import add_session, session_id_of, spool_in

ONE, TWO = session_id_of(1), session_id_of(2)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return spool_in(tmp_path)


def look_daily(spool: Spool, *, days: int, start: int = 0, keep: int = 30) -> list[str]:
    gone = []
    for day in range(days):
        now = start + day * DAY_MS
        gone += delete_confirmed_audio(spool, expired_audio(spool, keep, now), now)
    return gone


def test_audio_goes_after_receipt_and_period_and_not_before(spool: Spool) -> None:
    add_session(spool, ONE, chunks=2)
    deliver(spool, ONE, stored_at=DAY_MS)
    assert look_daily(spool, days=31) == []
    assert look_daily(spool, days=2, start=31 * DAY_MS) == [ONE]
    session = spool.session(ONE)
    assert session is not None
    assert session.audio_deleted_at is not None


def test_what_has_expired_is_only_named_until_it_is_confirmed(spool: Spool) -> None:
    add_session(spool, ONE, chunks=2)
    deliver(spool, ONE, stored_at=0)
    expired_audio(spool, 1, 0)
    expired_audio(spool, 1, DAY_MS)
    assert expired_audio(spool, 1, 2 * DAY_MS) == [ONE]
    assert only_here(spool, ONE, confirmed=False) == 60_000
    assert delete_confirmed_audio(spool, [ONE, TWO], 7) == [ONE]
    assert only_here(spool, ONE, confirmed=False) == 0


def test_what_lost_an_ack_since_it_was_confirmed_stays(spool: Spool) -> None:
    add_session(spool, ONE, chunks=2)
    deliver(spool, ONE)
    spool.requeue(ONE, [(1, 1)])
    assert delete_confirmed_audio(spool, [ONE], 7) == []


def test_only_acknowledged_parts_of_a_confirmed_recording_are_elsewhere(spool: Spool) -> None:
    add_session(spool, ONE, chunks=3)
    chunk = spool.chunks(ONE)[0]
    spool.mark_acked(ONE, 0, sha256=chunk.sha256, acked_at=1)
    assert only_here(spool, ONE, confirmed=True) == 60_000
    assert only_here(spool, ONE, confirmed=False) == 90_000


def test_audio_without_a_receipt_stays_for_ever(spool: Spool) -> None:
    add_session(spool, ONE, chunks=2)
    assert look_daily(spool, days=70) == []


def test_audio_of_which_one_part_was_asked_for_again_stays(spool: Spool) -> None:
    add_session(spool, ONE, chunks=2)
    deliver(spool, ONE)
    spool.requeue(ONE, [(1, 1)])
    assert look_daily(spool, days=60) == []


def test_a_clock_that_jumps_by_400_days_deletes_nothing(spool: Spool) -> None:
    for number in range(1, 6):
        add_session(spool, session_id_of(number), chunks=1)
        deliver(spool, session_id_of(number), stored_at=number * DAY_MS)
    assert look_daily(spool, days=10) == []
    assert expired_audio(spool, 30, 410 * DAY_MS) == []
    assert expired_audio(spool, 30, 410 * DAY_MS + 3_600_000) == []


def test_keeping_for_ever_deletes_nothing(spool: Spool) -> None:
    add_session(spool, ONE, chunks=1)
    deliver(spool, ONE)
    assert look_daily(spool, days=60, keep=0) == []


def test_after_a_long_time_switched_off_a_servers_word_catches_up(spool: Spool) -> None:
    add_session(spool, ONE, chunks=1)
    deliver(spool, ONE, stored_at=0)
    expired_audio(spool, 30, 0)
    assert expired_audio(spool, 30, 60 * DAY_MS) == []
    add_session(spool, TWO, chunks=1)
    deliver(spool, TWO, stored_at=60 * DAY_MS)
    assert expired_audio(spool, 30, 60 * DAY_MS + 1) == [ONE]


def test_the_bundled_server_vouches_for_nothing(spool: Spool) -> None:
    for session_id, stored_at in ((ONE, 0), (TWO, 400 * DAY_MS)):
        add_session(spool, session_id, chunks=1)
        deliver(spool, session_id, stored_at=stored_at, origin="http://127.0.0.1:4567")
    expired_audio(spool, 30, 0)
    assert expired_audio(spool, 30, 400 * DAY_MS) == []


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_seen_time_goes_forward_by_a_day_per_look_at_most(walls: list[int]) -> None:
    seen = advance(None, now=0)
    for wall in walls:
        after = advance(seen, now=wall)
        assert after.seen <= min(wall, seen.seen + LARGEST_STEP_MS)
        seen = after


def test_seen_time_follows_a_clock_that_was_set_back() -> None:
    assert advance(SeenTime(100, 100), now=40) == SeenTime(40, 40)


def test_a_server_ahead_of_the_clock_is_believed_up_to_the_clock() -> None:
    assert advance(SeenTime(0, 0), now=10 * DAY_MS, vouched=400 * DAY_MS).seen == 10 * DAY_MS


def test_the_later_of_end_and_receipt_counts() -> None:
    kept = [KeptAudio(ONE, ended_at=0, stored_at=5 * DAY_MS), KeptAudio(TWO, 5 * DAY_MS, 0)]
    assert audio_to_delete(kept, keep_days=1, seen=5 * DAY_MS) == []
    assert audio_to_delete(kept, keep_days=1, seen=6 * DAY_MS) == [ONE, TWO]


def test_a_unique_prefix_finds_its_session(spool: Spool) -> None:
    add_session(spool, "aaaa0000-0000-4000-8000-000000000001", chunks=1)
    add_session(spool, "aabb0000-0000-4000-8000-000000000002", chunks=1)
    sessions = spool.sessions()
    assert find_session(sessions, "AAB").session_id.startswith("aabb")
    for prefix, words in (("aa", "2 ids begin so"), ("zz", "No id begins"), ("", "2 ids")):
        with pytest.raises(UsageError, match=words):
            find_session(sessions, prefix)


def test_a_summary_says_what_scripts_need(spool: Spool) -> None:
    session = add_session(spool, ONE, chunks=2)
    assert summary_of(session, None)["receipt"] is None
    receipt = deliver(spool, ONE)
    after = spool.session(ONE)
    assert after is not None
    summary = summary_of(after, spool.receipt(ONE))
    assert (summary["chunks"], summary["ackedChunks"], summary["state"]) == (2, 2, "verified")
    assert summary["receipt"]["digest"] == receipt.digest
