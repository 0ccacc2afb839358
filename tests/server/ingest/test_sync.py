import asyncio
from pathlib import Path

import pytest

from scribe_server.ingest.sync import in_order, within
from scribe_server.protocol import (
    Receipt,
    SessionStatus,
    SyncCheck,
    SyncCheckSession,
    SyncStateSession,
    digest_of,
)
from tests.parts.store import OTHER_SESSION, SESSION, Served, served, sha_of, stop_of

NOTHING = digest_of([])


def check(
    server: Served, *have: tuple[int, int], digest: str | None = None, name: str = "anna"
) -> SyncStateSession:
    if digest is None:
        numbers = [n for first, last in have for n in range(first, last + 1)]
        digest = digest_of((number, sha_of(number)) for number in numbers)
    asked = SyncCheck([SyncCheckSession(SESSION, list(have), digest)])
    (state,) = asyncio.run(server.ingest.sync_check(server.owner(name), asked)).sessions
    return state


def test_equal_books_match(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2, 4]))
        state = check(server, (0, 2), (4, 4))
        assert state == SyncStateSession(
            SESSION, SessionStatus.RECORDING, True, [(0, 2), (4, 4)], 4, None
        )


def test_only_what_the_client_counts_as_acked_is_compared(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        assert check(server, (0, 1)).match is True
        assert check(server, digest=NOTHING).match is True


def test_what_the_server_lacks_or_has_otherwise_does_not_match(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        assert check(server, (0, 2)).match is False
        other = digest_of([(0, sha_of(0)), (1, sha_of(7))])
        assert check(server, (0, 1), digest=other).match is False


@pytest.mark.parametrize("have", [[(1, 0)], [(0, 1), (1, 2)], [(2, 2), (0, 0)]])
def test_ranges_that_are_none_do_not_match(tmp_path: Path, have: list[tuple[int, int]]) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        assert check(server, *have).match is False


def test_the_receipts_digest_is_told(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        _, receipt = asyncio.run(server.ingest.stop_session(owner, stop_of(1)))
        assert isinstance(receipt, Receipt)
        state = check(server, (0, 0))
        assert (state.status, state.receipt_digest) == (SessionStatus.COMPLETE, receipt.digest)


def test_an_unknown_or_anothers_session_is_unknown_and_a_deleted_one_is_deleted(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        unknown = SyncStateSession(SESSION, SessionStatus.UNKNOWN, False, [], -1, None)
        assert check(server, (0, 0)) == unknown
        asyncio.run(server.record(server.owner(), [0]))
        assert check(server, (0, 0), name="ben") == unknown
        asyncio.run(server.store.sessions.delete(server.owner(), SESSION))
        assert check(server, (0, 0)).status is SessionStatus.DELETED
        assert check(server, (0, 0), name="ben") == unknown


def test_every_session_asked_about_is_answered_in_order(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        asked = SyncCheck(
            [
                SyncCheckSession(uuid, [], NOTHING)
                for uuid in (OTHER_SESSION, SESSION, OTHER_SESSION)
            ]
        )
        answer = asyncio.run(server.ingest.sync_check(server.owner(), asked))
        assert [state.session_id for state in answer.sessions] == [
            OTHER_SESSION,
            SESSION,
            OTHER_SESSION,
        ]


@pytest.mark.parametrize(
    ("ranges", "ordered"),
    [
        ([], True),
        ([(0, 0), (1, 1)], True),
        ([(0, 5), (7, 9)], True),
        ([(0, 5), (5, 9)], False),
        ([(3, 2)], False),
    ],
)
def test_ranges_are_ascending_and_apart(ranges: list[tuple[int, int]], ordered: bool) -> None:
    assert in_order(ranges) is ordered


def test_pairs_outside_of_the_ranges_are_left_out() -> None:
    stored = [(number, "") for number in range(10)]
    kept = [number for number, _ in within(stored, [(0, 0), (3, 4), (9, 20)])]
    assert kept == [0, 3, 4, 9]
    assert list(within(stored, [])) == []
