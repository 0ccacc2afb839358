import msgspec
import pytest

from scribe_desktop.model import SessionState
from scribe_desktop.sync.events import Blocked
from scribe_desktop.sync.stops import AT_ONCE, PATIENCE_S, Stops, has_holes
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.talking import Side

FIRST, MANY = session_id_of(1), session_id_of(2)


@pytest.fixture
def stops(side: Side) -> Stops:
    add_session(side.spool, FIRST, chunks=3)
    side.ack_all(FIRST)
    return Stops(side.talk)


def receipt(side: Side) -> protocol.Receipt:
    manifest = side.spool.manifest(FIRST)
    for chunk in side.spool.chunks(FIRST):
        side.server.sizes[FIRST, chunk.sequence] = chunk.size
    return side.server.receipt(manifest)


def test_the_manifest_goes_out_once_and_again_when_nobody_answers(side: Side, stops: Stops) -> None:
    stops.ask()
    stops.ask()
    assert side.sent == [
        (
            Event.STOP_SESSION,
            protocol.StopSession(FIRST, manifest=side.spool.manifest(FIRST)),
        )
    ]
    assert stops.is_waiting_for(FIRST)
    side.now_s += PATIENCE_S
    stops.ask()
    assert len(side.sent) == 2


def test_a_jump_of_the_wall_clock_does_not_repeat_the_manifest(side: Side, stops: Stops) -> None:
    stops.ask()
    side.now += 86_400_000
    stops.ask()
    assert len(side.sent) == 1


def test_a_session_with_chunks_on_their_way_waits(side: Side, stops: Stops) -> None:
    side.spool.requeue(FIRST, [(0, 0)])
    stops.ask()
    assert side.sent == []


def test_few_are_asked_for_at_once(side: Side, stops: Stops) -> None:
    for number in range(2, 7):
        add_session(side.spool, session_id_of(number), chunks=1, started_at=number)
        side.ack_all(session_id_of(number))
    stops.ask()
    assert stops.waiting == AT_ONCE == len(side.sent)


def test_a_receipt_that_holds_is_kept_with_its_key(side: Side, stops: Stops) -> None:
    stops.ask()
    stops.on_receipt(receipt(side))
    kept = side.spool.receipt(FIRST)
    assert kept is not None
    assert kept.public_key == side.server.identity.public_key
    assert (kept.server_id, kept.received_at) == ("server-1", side.now)
    assert side.changed == [FIRST]
    assert stops.waiting == 0


@pytest.mark.parametrize(
    "change",
    [{"digest": "0" * 64}, {"chunks": 2}, {"total_samples": 1}, {"bytes": 1}],
    ids=lambda change: next(iter(change)),
)
def test_a_receipt_for_something_else_is_not_kept_even_when_signed(
    side: Side, stops: Stops, change: dict[str, object]
) -> None:
    wrong = side.server.sign(msgspec.structs.replace(receipt(side), **change))
    stops.on_receipt(wrong)
    assert side.spool.receipt(FIRST) is None
    assert side.applied == [Blocked("receipt_invalid")]


def test_a_receipt_by_another_key_is_not_kept(side: Side, stops: Stops) -> None:
    side.server.key_id = "another"
    stops.on_receipt(receipt(side))
    assert side.spool.receipt(FIRST) is None
    assert side.applied == [Blocked("identity_changed")]


def test_a_receipt_that_comes_after_a_loss_was_found_is_not_kept(side: Side, stops: Stops) -> None:
    given = receipt(side)
    side.spool.requeue(FIRST, [(1, 1)])
    stops.on_receipt(given)
    assert side.spool.receipt(FIRST) is None


def test_a_receipt_that_nobody_asked_for_is_ignored(side: Side, stops: Stops) -> None:
    given = receipt(side)
    side.spool.delete_session(FIRST)
    stops.on_receipt(given)
    assert side.applied == []


def test_what_the_server_lacks_is_sent_and_the_manifest_repeated(side: Side, stops: Stops) -> None:
    stops.ask()
    stops.on_incomplete(protocol.SessionIncomplete(FIRST, [(1, 1)]))
    assert [chunk.sequence for chunk in side.spool.next_unsent(9)] == [1]
    side.ack_all(FIRST)
    stops.ask()
    assert side.names() == [Event.STOP_SESSION] * 2


def test_a_server_that_never_has_enough_is_given_up_on_this_connection(
    side: Side, stops: Stops
) -> None:
    for _ in range(10):
        stops.ask()
        stops.on_incomplete(protocol.SessionIncomplete(FIRST, [(0, 2)]))
        side.ack_all(FIRST)
    assert len(side.sent) == 4


def test_losses_that_are_told_piece_by_piece_are_all_made_good(side: Side, stops: Stops) -> None:
    """A scrubber tells each batch of damaged chunks when it finds them."""
    add_session(side.spool, MANY, chunks=20)
    side.ack_all(MANY)
    for sequence in range(20):
        stops.ask()
        stops.on_incomplete(protocol.SessionIncomplete(MANY, [(sequence, sequence)]))
        assert [chunk.sequence for chunk in side.spool.next_unsent(9)] == [sequence]
        side.ack_all(MANY)
    stops.ask()
    assert stops.is_waiting_for(MANY)


@pytest.mark.parametrize("lost", [0, 1], ids=["the first", "one between"])
def test_a_recording_with_a_hole_is_a_problem_for_good_and_gets_no_receipt(
    side: Side, stops: Stops, lost: int
) -> None:
    side.spool.change(
        lambda db: db.execute("DELETE FROM chunks WHERE sequence = ?", (lost,)).close()
    )
    stops.ask()
    assert side.sent == [(Event.STOP_SESSION, protocol.StopSession(FIRST))]
    assert side.notes == ["damaged"]
    session = side.spool.session(FIRST)
    assert session is not None
    assert session.state is SessionState.PROBLEM
    stops.ask()
    assert len(side.sent) == 1
    assert side.spool.sessions_awaiting_receipt() == []


def test_a_recording_without_its_last_sound_is_no_recording_with_a_hole(side: Side) -> None:
    add_session(side.spool, MANY, chunks=3)
    manifest = side.spool.manifest(MANY)
    assert not has_holes(manifest)
    assert not has_holes(msgspec.structs.replace(manifest, chunks=manifest.chunks[:2]))
    assert has_holes(msgspec.structs.replace(manifest, chunks=manifest.chunks[1:]))


def test_what_cannot_be_sent_is_not_asked_about_again_and_again(side: Side, stops: Stops) -> None:
    stops.ask()
    stops.on_incomplete(protocol.SessionIncomplete(FIRST, [(7, 7)]))
    stops.ask()
    assert len(side.sent) == 1


def test_a_busy_server_is_asked_again_after_a_while(side: Side, stops: Stops) -> None:
    stops.ask()
    stops.on_refused(FIRST, ErrorCode.BUSY)
    stops.ask()
    assert len(side.sent) == 1
    side.now_s += 5.0
    stops.ask()
    assert len(side.sent) == 2


def test_a_manifest_that_contradicts_the_server_is_a_conflict(side: Side, stops: Stops) -> None:
    stops.on_refused(FIRST, ErrorCode.CONFLICT)
    assert [session.session_id for session in side.spool.sessions_to_fork()] == [FIRST]


def test_other_refusals_are_said_and_not_repeated(side: Side, stops: Stops) -> None:
    stops.on_refused(FIRST, ErrorCode.UNSUPPORTED_MEDIA)
    stops.ask()
    assert side.notes == ["unsupported_media"]
    assert side.sent == []


def test_a_server_that_has_lost_the_session_gets_it_again_and_then_the_manifest(
    side: Side, stops: Stops
) -> None:
    stops.ask()
    stops.on_refused(FIRST, ErrorCode.NOT_FOUND)
    assert [chunk.sequence for chunk in side.spool.next_unsent(9)] == [0, 1, 2]
    side.ack_all(FIRST)
    stops.ask()
    assert side.names() == [Event.STOP_SESSION] * 2


def test_a_loss_that_the_books_have_shown_already_does_not_end_the_asking(
    side: Side, stops: Stops
) -> None:
    stops.ask()
    side.spool.requeue(FIRST, [(0, 2)])
    stops.on_refused(FIRST, ErrorCode.NOT_FOUND)
    side.ack_all(FIRST)
    stops.ask()
    assert side.names() == [Event.STOP_SESSION] * 2
