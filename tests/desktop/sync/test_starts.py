import pytest

from scribe_desktop.sync.events import Blocked
from scribe_desktop.sync.starts import Starts
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.talking import Side

FIRST = session_id_of(1)


@pytest.fixture
def starts(side: Side) -> Starts:
    add_session(side.spool, FIRST, chunks=4)
    return Starts(side.talk)


def test_a_session_is_begun_once_and_waits_for_the_answer(side: Side, starts: Starts) -> None:
    assert not starts.is_ready(FIRST)
    assert not starts.is_ready(FIRST)
    assert side.names() == [Event.START_SESSION]
    starts.on_started(protocol.SessionStarted(FIRST, "recording", 0, [], -1))
    assert starts.is_ready(FIRST)
    assert starts.waiting == set()


def test_the_start_says_what_the_session_is(side: Side, starts: Starts) -> None:
    starts.is_ready(FIRST)
    start = side.sent[0][1]
    assert isinstance(start, protocol.StartSession)
    assert (start.title, start.source, start.codec, start.sample_rate, start.timezone) == (
        "A meeting",
        "mic",
        "opus",
        48_000,
        "Europe/Berlin",
    )


def test_a_session_that_is_gone_is_not_begun(side: Side, starts: Starts) -> None:
    assert not starts.is_ready(session_id_of(9))
    assert side.sent == []


def test_what_the_server_lost_in_the_middle_and_at_the_end_waits_again(
    side: Side, starts: Starts
) -> None:
    side.ack_all(FIRST)
    starts.on_started(protocol.SessionStarted(FIRST, "recording", 0, [(1, 1)], 2))
    assert [chunk.sequence for chunk in side.spool.next_unsent(9)] == [1, 3]


def test_an_archive_lacks_nothing(side: Side, starts: Starts) -> None:
    side.ack_all(FIRST)
    starts.on_started(protocol.SessionStarted(FIRST, "archived", 0, [(0, 3)], 3))
    assert side.spool.pending() == 0


@pytest.mark.parametrize("code", [ErrorCode.CONFLICT, ErrorCode.SESSION_CLOSED])
def test_a_session_that_cannot_begin_is_kept_here_with_the_reason(
    side: Side, starts: Starts, code: ErrorCode
) -> None:
    starts.on_refused(FIRST, code)
    session = side.spool.session(FIRST)
    assert session is not None
    assert session.refused_code == code


def test_a_busy_server_is_asked_again_later(side: Side, starts: Starts) -> None:
    starts.is_ready(FIRST)
    starts.on_refused(FIRST, ErrorCode.BUSY)
    assert side.talk.set_aside == {FIRST}
    after_s, callback = side.timers[0]
    callback()
    assert after_s == 5.0
    assert side.talk.set_aside == set()
    assert not starts.is_ready(FIRST)
    assert side.names() == [Event.START_SESSION] * 2


def test_a_superseded_session_stays_aside(side: Side, starts: Starts) -> None:
    starts.on_refused(FIRST, ErrorCode.SUPERSEDED)
    assert side.talk.set_aside == {FIRST}
    assert side.timers == []
    assert side.notes == ["superseded"]


def test_an_expired_token_blocks_everything(side: Side, starts: Starts) -> None:
    starts.on_refused(FIRST, ErrorCode.TOKEN_EXPIRED)
    assert side.applied == [Blocked("token_expired")]
