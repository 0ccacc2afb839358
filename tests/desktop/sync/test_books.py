import asyncio
from dataclasses import replace

import pytest

from scribe_desktop.errors import UnreachableError
from scribe_desktop.model import LOST_ON_SERVER, SessionState, StoredReceipt
from scribe_desktop.sync.books import Books, differing, is_from, subtract
from scribe_desktop.sync.target import ServerTarget
from scribe_server import protocol
from scribe_server.protocol import Event, SessionStatus, StoredChunk, SyncStateSession
from tests.parts.delivered import deliver
from tests.parts.filled_spool import add_session, new_chunk, session_id_of
from tests.parts.jumping_loop import run_jumping
from tests.parts.talking import Side

FIRST, SECOND = session_id_of(1), session_id_of(2)


@pytest.mark.parametrize(
    ("have", "stored", "lacking"),
    [
        ([(0, 9)], [(0, 9)], []),
        ([(0, 9)], [], [(0, 9)]),
        ([(0, 9)], [(2, 3), (5, 5)], [(0, 1), (4, 4), (6, 9)]),
        ([(0, 2), (5, 7)], [(1, 6)], [(0, 0), (7, 7)]),
        ([(3, 4)], [(0, 1), (9, 9)], [(3, 4)]),
        ([], [(0, 5)], []),
    ],
)
def test_what_we_have_and_they_lack(
    have: list[tuple[int, int]], stored: list[tuple[int, int]], lacking: list[tuple[int, int]]
) -> None:
    assert subtract(have, stored) == lacking


def test_chunks_that_differ_are_lacking_or_damaged_or_not_there(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=5)
    side.ack_all(FIRST)
    ours = side.spool.chunks(FIRST)
    ours[4] = replace(ours[4], acked_at=None)
    theirs = [StoredChunk(n, new_chunk(FIRST, n).sha256, 1, "stored") for n in (0, 1, 2)]
    theirs[1] = StoredChunk(1, "0" * 64, 1, "stored")
    theirs[2] = StoredChunk(2, ours[2].sha256, 1, "damaged")
    assert differing(ours, theirs) == [1, 2, 3]


def check(
    side: Side,
    answer: dict[str, SyncStateSession],
    listed: list[StoredChunk] | None = None,
) -> list[protocol.SyncCheck]:
    """Run a check; the server answers with these states, and over REST with these chunks."""

    async def list_chunks(_: str) -> list[StoredChunk]:
        if listed is None:
            raise UnreachableError("away", "nobody")
        return listed

    async def main() -> None:
        books = Books(side.talk, list_chunks)
        checking = asyncio.get_running_loop().create_task(books.check())
        answered = 0
        while not checking.done():
            await asyncio.sleep(0.01)
            checks = [payload for name, payload in side.sent if name is Event.SYNC_CHECK]
            for payload in checks[answered:]:
                assert isinstance(payload, protocol.SyncCheck)
                states = [answer[s.session_id] for s in payload.sessions if s.session_id in answer]
                books.on_state(protocol.SyncState(states))
                answered += 1
        await checking

    run_jumping(main())
    return [p for _, p in side.sent if isinstance(p, protocol.SyncCheck)]


def confirm(
    side: Side,
    asked: list[str],
    answer: dict[str, SyncStateSession],
    *,
    while_checking: bool = False,
) -> frozenset[str]:
    """Ask about some sessions, perhaps while the check of a connect is under way."""

    async def list_chunks(_: str) -> list[StoredChunk]:
        return []

    async def main() -> frozenset[str]:
        books = Books(side.talk, list_chunks)
        loop = asyncio.get_running_loop()
        others = [loop.create_task(books.check())] if while_checking else []
        confirming = loop.create_task(books.confirm(asked))
        answered = 0
        while not confirming.done():
            await asyncio.sleep(0.01)
            checks = [payload for name, payload in side.sent if name is Event.SYNC_CHECK]
            for payload in checks[answered : answered + 1]:
                assert isinstance(payload, protocol.SyncCheck)
                states = [answer[each.session_id] for each in payload.sessions]
                books.on_state(protocol.SyncState(states))
                answered += 1
        await asyncio.gather(*others)
        return await confirming

    return run_jumping(main())


def state(
    session_id: str,
    stored: list[tuple[int, int]],
    *,
    match: bool,
    status: str = "recording",
    receipt_digest: str | None = None,
) -> SyncStateSession:
    return SyncStateSession(session_id, SessionStatus(status), match, stored, 9, receipt_digest)


def test_our_books_name_what_is_acked_and_its_digest(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=3)
    side.ack_all(FIRST)
    checks = check(side, {FIRST: state(FIRST, [(0, 2)], match=True)})
    have, digest = side.spool.acked_books(FIRST)
    assert checks[0].sessions == [protocol.SyncCheckSession(FIRST, have, digest)]
    assert side.spool.pending() == 0


def test_what_the_server_lacks_waits_again(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=4)
    side.ack_all(FIRST)
    check(side, {FIRST: state(FIRST, [(0, 0), (3, 3)], match=False)})
    assert [c.sequence for c in side.spool.next_unsent(9)] == [1, 2]
    assert side.changed == [FIRST]


def test_equal_ranges_with_another_digest_are_compared_chunk_by_chunk(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.ack_all(FIRST)
    listed = [
        StoredChunk(0, new_chunk(FIRST, 0).sha256, 1, "stored"),
        StoredChunk(1, "0" * 64, 1, "stored"),
    ]
    check(side, {FIRST: state(FIRST, [(0, 1)], match=False)}, listed)
    assert [c.sequence for c in side.spool.next_unsent(9)] == [1]


def test_a_server_that_lacks_one_chunk_may_hold_another_with_other_bytes(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=3)
    side.ack_all(FIRST)
    listed = [
        StoredChunk(1, "0" * 64, 1, "stored"),
        StoredChunk(2, new_chunk(FIRST, 2).sha256, 1, "stored"),
    ]
    check(side, {FIRST: state(FIRST, [(1, 2)], match=False)}, listed)
    assert [c.sequence for c in side.spool.next_unsent(9)] == [0, 1]


def test_a_comparison_that_fails_changes_nothing(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.ack_all(FIRST)
    check(side, {FIRST: state(FIRST, [(0, 1)], match=False)})
    assert side.spool.pending() == 0
    assert side.notes == ["bad_message"]


def test_what_the_person_deleted_on_the_server_is_not_sent_there_again(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=2)
    check(side, {FIRST: state(FIRST, [], match=False, status="deleted")})
    session = side.spool.session(FIRST)
    assert session is not None
    assert session.refused_code == "session_closed"


@pytest.mark.parametrize("status", ["archived", "cold"])
def test_what_lies_in_the_archive_is_not_sent_again(side: Side, status: str) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.ack_all(FIRST)
    check(side, {FIRST: state(FIRST, [], match=False, status=status)})
    assert side.spool.pending() == 0


def test_sessions_without_audio_here_are_not_asked_about(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=1)
    side.spool.delete_audio(FIRST, deleted_at=1)
    add_session(side.spool, SECOND, chunks=1)
    side.spool.refuse_session(SECOND, "conflict")
    add_session(side.spool, session_id_of(3), chunks=0)
    assert check(side, {}) == []


def test_a_server_that_never_answers_is_given_up(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=1)
    with pytest.raises(TimeoutError):
        check(side, {})


def delivered(side: Side, *, origin: str = "https://elsewhere.example") -> None:
    """A session whose audio went away after a receipt from there."""
    add_session(side.spool, FIRST, chunks=3)
    deliver(side.spool, FIRST, origin=origin)
    side.spool.delete_audio(FIRST, deleted_at=1)


def refused_code(side: Side) -> str | None:
    session = side.spool.session(FIRST)
    assert session is not None
    return session.refused_code


def test_what_neither_side_has_any_more_is_lost_and_says_so(side: Side) -> None:
    delivered(side, origin=side.talk.target.origin)
    check(side, {FIRST: state(FIRST, [(0, 1)], match=False)})
    assert refused_code(side) == LOST_ON_SERVER
    assert side.notes == [LOST_ON_SERVER]
    assert side.changed == [FIRST]
    assert side.spool.pending() == 0


def test_a_server_that_never_had_it_is_not_asked(side: Side) -> None:
    delivered(side)
    assert check(side, {}) == []


def test_what_the_server_still_has_stays_delivered(side: Side) -> None:
    delivered(side, origin=side.talk.target.origin)
    check(side, {FIRST: state(FIRST, [(0, 2)], match=True)})
    session = side.spool.session(FIRST)
    assert session is not None
    assert session.state is SessionState.VERIFIED


def test_what_was_deleted_on_both_sides_by_people_is_no_loss(side: Side) -> None:
    delivered(side, origin=side.talk.target.origin)
    check(side, {FIRST: state(FIRST, [], match=False, status="deleted")})
    assert refused_code(side) is None


def test_what_was_lost_and_comes_back_whole_is_delivered_again(side: Side) -> None:
    delivered(side, origin=side.talk.target.origin)
    check(side, {FIRST: state(FIRST, [], match=False, status="unknown")})
    listed = [StoredChunk(n, new_chunk(FIRST, n).sha256, 1, "stored") for n in range(3)]
    check(side, {FIRST: state(FIRST, [(0, 2)], match=False)}, listed)
    assert refused_code(side) is None
    (waiting,) = side.spool.sessions_awaiting_receipt()
    assert (waiting.session_id, waiting.acked_chunks) == (FIRST, 3)


def test_what_was_lost_and_comes_back_in_part_stays_lost(side: Side) -> None:
    delivered(side, origin=side.talk.target.origin)
    check(side, {FIRST: state(FIRST, [], match=False, status="unknown")})
    listed = [StoredChunk(0, new_chunk(FIRST, 0).sha256, 1, "stored")]
    check(side, {FIRST: state(FIRST, [(0, 0)], match=False)}, listed)
    assert refused_code(side) == LOST_ON_SERVER


@pytest.mark.parametrize(
    ("origin", "local", "same"),
    [
        ("https://scribe.example", False, True),
        ("https://other.example", False, False),
        ("http://127.0.0.1:4001", True, True),
        ("http://127.0.0.1:4001", False, False),
        ("https://other.example", True, False),
    ],
)
def test_whose_receipt_it_is(side: Side, origin: str, *, local: bool, same: bool) -> None:
    target = ServerTarget("http://127.0.0.1:4002" if local else "https://scribe.example", None)
    target = replace(target, local=local)
    receipt = StoredReceipt(FIRST, "{}", "", "a-server-of-before", origin, 1)
    assert is_from(receipt, target, side.server.identity) is same
    known = replace(receipt, server_id=side.server.identity.server_id)
    assert is_from(known, target, side.server.identity)


@pytest.mark.parametrize("while_checking", [False, True])
def test_only_what_the_server_holds_as_it_is_here_is_confirmed(
    side: Side, while_checking: bool
) -> None:
    for session_id in (FIRST, SECOND):
        add_session(side.spool, session_id, chunks=2)
        side.ack_all(session_id)
    answer = {
        FIRST: state(FIRST, [(0, 1)], match=True),
        SECOND: state(SECOND, [(0, 0)], match=False),
    }
    found = confirm(side, [FIRST, SECOND], answer, while_checking=while_checking)
    assert found == {FIRST}
    assert 1 in [c.sequence for c in side.spool.next_unsent(9)]


def test_only_what_is_asked_for_is_confirmed(side: Side) -> None:
    for session_id in (FIRST, SECOND):
        add_session(side.spool, session_id, chunks=1)
    answer = {each: state(each, [(0, 0)], match=True) for each in (FIRST, SECOND)}
    assert confirm(side, [SECOND, session_id_of(9)], answer, while_checking=True) == {SECOND}


def test_what_lies_in_the_archive_is_confirmed_by_its_receipt(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.ack_all(FIRST)
    digest = protocol.manifest_digest(side.spool.manifest(FIRST))
    for receipt, found in ((digest, {FIRST}), ("0" * 64, set()), (None, set())):
        side.sent.clear()
        theirs = state(FIRST, [], match=False, status="archived", receipt_digest=receipt)
        assert confirm(side, [FIRST], {FIRST: theirs}) == found


def test_a_receipt_alone_confirms_nothing_that_should_be_at_hand(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.ack_all(FIRST)
    digest = protocol.manifest_digest(side.spool.manifest(FIRST))
    theirs = state(FIRST, [], match=False, status="complete", receipt_digest=digest)
    assert confirm(side, [FIRST], {FIRST: theirs}) == set()
    assert side.spool.pending() == 2


def test_nobody_is_asked_about_nothing(side: Side) -> None:
    assert confirm(side, [FIRST], {}) == set()
    assert side.sent == []
