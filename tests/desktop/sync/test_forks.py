import pytest

from scribe_desktop.sync.forks import fork_conflicts, next_title
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
