from itertools import pairwise

import pytest

from scribe_desktop.model import SessionState
from scribe_desktop.sync.forks import MOST_GENERATIONS, fork_conflicts, next_title
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.talking import NEW_ID, Side

FIRST = session_id_of(1)


@pytest.mark.parametrize(
    ("title", "following"),
    [("Board", "Board (2)"), ("Board (2)", "Board (3)"), ("", " (2)"), ("Q (x)", "Q (x) (2)")],
)
def test_a_copy_has_the_next_number(title: str, following: str) -> None:
    assert next_title(title) == following


def test_a_conflict_is_copied_once_and_both_sides_are_told(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.spool.refuse_session(FIRST, "conflict")

    assert fork_conflicts(side.talk) == 1
    assert fork_conflicts(side.talk) == 0

    assert side.changed == [FIRST, NEW_ID]
    assert side.spool.pending() == 2


def test_other_refusals_are_not_copied(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=2)
    side.spool.refuse_session(FIRST, "session_closed")
    assert fork_conflicts(side.talk) == 0


def test_a_copy_of_a_copy_of_a_copy_is_not_copied(side: Side) -> None:
    ids = [session_id_of(number) for number in range(1, MOST_GENERATIONS + 2)]
    add_session(side.spool, ids[0], chunks=1)
    for before, copy in pairwise(ids):
        side.spool.fork_session(before, copy, title="again")
    side.spool.refuse_session(ids[-1], "conflict")
    assert fork_conflicts(side.talk) == 0
    session = side.spool.session(ids[-1])
    assert session is not None
    assert session.state is SessionState.PROBLEM
