import hashlib

import pytest

from scribe_desktop.sync.events import Acked, Blocked, Counted, Deferred, Facts, Flow, Released
from scribe_desktop.sync.sending import Sending
from scribe_desktop.sync.starts import Starts
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event
from tests.parts.filled_spool import add_session, chunk_bytes, new_chunk, session_id_of
from tests.parts.talking import Side

FIRST = session_id_of(1)


@pytest.fixture
def sending(side: Side) -> Sending:
    add_session(side.spool, FIRST, chunks=4)
    starts = Starts(side.talk)
    starts.is_ready(FIRST)
    starts.on_started(protocol.SessionStarted(FIRST, "recording", 0, [], -1))
    made = Sending(side.talk, starts)
    made.fill(4)
    side.sent.clear()
    side.applied.clear()
    return made


def ack(sequence: int, sha256: str | None = None) -> protocol.ChunkAck:
    found = sha256 or new_chunk(FIRST, sequence).sha256
    return protocol.ChunkAck(FIRST, sequence, 0, "id", False, True, found, 0, 3)


def refusal(
    code: ErrorCode, *, sequence: int = 0, retry_after_ms: int | None = None
) -> protocol.ChunkError:
    retryable = protocol.ERRORS[code].retryable
    return protocol.ChunkError(FIRST, sequence, "no", code, retryable, retry_after_ms)


def test_a_chunk_goes_out_with_all_that_describes_it(side: Side, sending: Sending) -> None:
    assert sending.fill(1) == {(FIRST, 0)}
    name, chunk = side.sent[0]
    data = chunk_bytes(FIRST, 0)
    assert name is Event.AUDIO_CHUNK
    assert chunk == protocol.AudioChunk(
        session_id=FIRST,
        sequence=0,
        audio=data,
        timestamp=1_000,
        size=len(data),
        mime_type="audio/webm",
        duration_ms=30_000,
        sha256=hashlib.sha256(data).hexdigest(),
        first_sample=0,
        samples=1_440_000,
    )


def test_what_is_on_its_way_or_deferred_is_left_out(side: Side, sending: Sending) -> None:
    side.facts = Facts(in_flight=frozenset({(FIRST, 0)}), deferred=frozenset({(FIRST, 2)}))
    assert sending.fill(9) == {(FIRST, 1), (FIRST, 3)}


def test_the_ack_is_on_the_disk_before_the_machine_hears_of_it(
    side: Side, sending: Sending
) -> None:
    seen: list[int | None] = []
    side.talk.apply = lambda event: seen.append(side.spool.chunks(FIRST)[0].acked_at)
    assert sending.on_ack(ack(0))
    assert seen == [side.now, side.now]
    assert sending.last_ack_at == side.now


def test_the_machine_hears_the_count_and_the_ack(side: Side, sending: Sending) -> None:
    sending.on_ack(ack(0))
    assert side.applied == [Counted(3), Acked((FIRST, 0), True, 3)]
    assert side.changed == [FIRST]


def test_a_wrong_hash_is_waited_out_longer_each_time(side: Side, sending: Sending) -> None:
    for _ in range(8):
        assert not sending.on_ack(ack(0, "0" * 64))
    delays = [event.retry_after_ms for event in side.applied if isinstance(event, Deferred)]
    assert delays == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    assert side.spool.pending() == 4


def test_an_ack_for_a_session_that_was_deleted_here_only_makes_room(
    side: Side, sending: Sending
) -> None:
    side.spool.delete_session(FIRST)
    assert not sending.on_ack(ack(0))
    assert side.applied == [Released(frozenset({(FIRST, 0)}))]


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.BUSY,
        ErrorCode.STORAGE_FULL,
        ErrorCode.STORAGE_FAILED,
        ErrorCode.QUOTA_EXCEEDED,
    ],
)
def test_a_refusal_that_all_chunks_would_meet_is_a_hold(
    side: Side, sending: Sending, code: ErrorCode
) -> None:
    sending.on_error(refusal(code, retry_after_ms=700))
    assert side.applied == [
        Flow(can_accept=False, retry_after_ms=700),
        Released(frozenset({(FIRST, 0)})),
    ]
    assert side.notes == ([] if code is ErrorCode.BUSY else [code])


@pytest.mark.parametrize(
    "code", [ErrorCode.RATE_LIMITED, ErrorCode.CHECKSUM_MISMATCH, ErrorCode.INTERNAL]
)
def test_a_refusal_of_one_chunk_for_now_defers_it(
    side: Side, sending: Sending, code: ErrorCode
) -> None:
    sending.on_error(refusal(code, retry_after_ms=9_000))
    assert side.applied == [Deferred((FIRST, 0), 9_000)]


def test_an_unknown_session_is_begun_again(side: Side, sending: Sending) -> None:
    sending.on_error(refusal(ErrorCode.NOT_FOUND))
    assert side.applied == [Deferred((FIRST, 0), 1_000)]
    assert sending.fill(1) == frozenset()
    assert side.names() == [Event.START_SESSION]


@pytest.mark.parametrize(
    "code",
    [ErrorCode.CHUNK_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA, ErrorCode.INVALID_PAYLOAD],
)
def test_a_refusal_for_good_is_kept_with_the_chunk(
    side: Side, sending: Sending, code: ErrorCode
) -> None:
    sending.on_error(refusal(code, sequence=2))
    assert side.spool.chunks(FIRST)[2].refused_code == code
    assert side.applied == [Counted(3), Released(frozenset({(FIRST, 2)}))]
    assert side.notes == [code]


def test_a_refused_session_awaits_nothing(side: Side, sending: Sending) -> None:
    mine, other = (FIRST, 1), (session_id_of(2), 1)
    side.facts = Facts(in_flight=frozenset({mine, other}))
    sending.on_error(refusal(ErrorCode.CONFLICT))
    assert side.applied == [Released(frozenset({mine})), Counted(0)]


def test_an_expired_token_blocks_everything(side: Side, sending: Sending) -> None:
    sending.on_error(refusal(ErrorCode.UNAUTHORIZED))
    assert side.applied == [Blocked("unauthorized")]


def test_an_ack_for_what_was_not_sent_changes_nothing_and_is_noted(
    side: Side, sending: Sending, caplog: pytest.LogCaptureFixture
) -> None:
    side.spool.add_chunk(new_chunk(FIRST, 4))
    for _ in range(100):
        assert not sending.on_ack(ack(4))
    assert side.spool.chunks(FIRST)[4].acked_at is None
    assert side.applied == []
    assert len([r for r in caplog.records if "was not sent" in r.getMessage()]) == 1


def test_a_refusal_of_what_was_not_sent_changes_nothing(side: Side, sending: Sending) -> None:
    side.spool.add_chunk(new_chunk(FIRST, 4))
    sending.on_error(refusal(ErrorCode.INVALID_PAYLOAD, sequence=4))
    assert side.spool.chunks(FIRST)[4].refused_code is None
    assert side.notes == []


def test_no_chunk_is_put_off_for_longer_than_a_minute(side: Side, sending: Sending) -> None:
    sending.on_error(refusal(ErrorCode.INTERNAL, retry_after_ms=2**62))
    assert side.applied == [Deferred((FIRST, 0), 60_000)]
