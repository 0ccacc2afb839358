import asyncio

import msgspec
import pytest

from scribe_desktop.sync.conversation import Conversation
from scribe_desktop.sync.events import Blocked, Counted, Facts, Flow
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event, StoredChunk
from tests.parts.filled_spool import add_session, new_chunk, session_id_of
from tests.parts.talking import NEW_ID, Side

FIRST = session_id_of(1)


@pytest.fixture
def conversation(side: Side) -> Conversation:
    async def no_chunks(_: str) -> list[StoredChunk]:
        await asyncio.sleep(0)
        return []

    return Conversation(side.talk, no_chunks)


def test_events_that_we_do_not_know_are_for_others(side: Side, conversation: Conversation) -> None:
    conversation.handle("transcript-updated", {"anything": 1})
    assert (side.sent, side.applied) == ([], [])


@pytest.mark.parametrize(
    "event",
    [Event.CHUNK_ACK, Event.CHUNK_ERROR, Event.SESSION_RECEIPT, Event.SYNC_STATE],
)
@pytest.mark.parametrize("data", [None, [], {"sessionId": 3}, "x"])
def test_what_is_not_of_the_documented_form_is_refused(
    conversation: Conversation, event: Event, data: object
) -> None:
    with pytest.raises(msgspec.ValidationError):
        conversation.handle(event, data)


def test_backpressure_reaches_the_machine(side: Side, conversation: Conversation) -> None:
    conversation.handle(Event.BACKPRESSURE, {"canAccept": False, "retryAfterMs": 70})
    assert side.applied == [Flow(can_accept=False, retry_after_ms=70)]
    assert conversation.answers == 0


@pytest.mark.parametrize(("reason", "notes"), [("disk", ["storage_full"]), ("memory", [])])
def test_a_server_that_closes_for_want_of_room_says_so(
    side: Side, conversation: Conversation, reason: str, notes: list[str]
) -> None:
    conversation.handle(Event.BACKPRESSURE, {"canAccept": False, "reason": reason})
    assert side.notes == notes


def send_all(side: Side, conversation: Conversation) -> None:
    conversation.fill(1)
    started = protocol.SessionStarted(FIRST, "recording", 0, [], -1)
    conversation.handle(Event.SESSION_STARTED, protocol.to_wire(started))
    conversation.fill(9)
    side.sent.clear()


def test_the_last_ack_of_an_ended_session_brings_its_manifest(
    side: Side, conversation: Conversation
) -> None:
    add_session(side.spool, FIRST, chunks=1)
    send_all(side, conversation)
    ack = protocol.ChunkAck(FIRST, 0, 0, "id", False, True, new_chunk(FIRST, 0).sha256, 0, 3)
    conversation.handle(Event.CHUNK_ACK, protocol.to_wire(ack))
    assert side.names() == [Event.STOP_SESSION]
    assert conversation.is_busy
    assert not conversation.is_answer_due
    assert conversation.last_ack_at == side.now


def test_an_answer_is_due_while_something_is_in_flight_or_begins(
    side: Side, conversation: Conversation
) -> None:
    assert not conversation.is_answer_due
    side.facts = Facts(in_flight=frozenset({(FIRST, 0)}))
    assert conversation.is_answer_due
    side.facts = Facts()
    add_session(side.spool, FIRST, chunks=1)
    assert conversation.fill(1) == frozenset()
    assert conversation.is_answer_due


def test_a_refused_start_and_a_refused_end_are_told_apart(
    side: Side, conversation: Conversation
) -> None:
    add_session(side.spool, FIRST, chunks=1)
    side.ack_all(FIRST)
    conversation.woken()
    error = protocol.SessionError("no", ErrorCode.NOT_FOUND, FIRST)
    conversation.handle(Event.SESSION_ERROR, protocol.to_wire(error))
    session = side.spool.session(FIRST)
    assert session is not None
    assert session.refused_code is None
    conversation.handle(Event.SESSION_ERROR, protocol.to_wire(error))
    session = side.spool.session(FIRST)
    assert session is not None
    assert session.refused_code == "not_found"


def test_errors_without_a_session_concern_the_connection(
    side: Side, conversation: Conversation
) -> None:
    for code in (ErrorCode.INTERNAL, ErrorCode.TOKEN_EXPIRED):
        error = protocol.SessionError("no", code)
        conversation.handle(Event.SESSION_ERROR, protocol.to_wire(error))
    assert side.notes == ["internal"]
    assert side.applied == [Blocked("token_expired")]


def test_a_conflict_is_copied_when_the_spool_is_looked_at(
    side: Side, conversation: Conversation
) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.spool.refuse_session(FIRST, "conflict")
    conversation.woken()
    assert side.spool.fork_of(FIRST) == NEW_ID
    assert Counted(2) in side.applied


def test_a_sign_of_life_costs_the_server_nothing(side: Side, conversation: Conversation) -> None:
    conversation.ask_for_life()
    assert side.sent == [(Event.SYNC_CHECK, protocol.SyncCheck([]))]
