from scribe_desktop.sync.events import Counted, Facts, Released
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.talking import Side

FIRST, SECOND = session_id_of(1), session_id_of(2)


def test_a_session_put_aside_comes_back(side: Side) -> None:
    side.facts = Facts(in_flight=frozenset({(FIRST, 0), (SECOND, 0)}))
    side.talk.put_aside_for(FIRST, 5.0)
    assert side.talk.set_aside == {FIRST}
    assert side.applied == [Released(frozenset({(FIRST, 0)}))]
    side.timers[0][1]()
    assert side.talk.set_aside == set()
    assert side.applied[-1] == Counted(0)


def test_requeueing_a_session_that_is_gone_does_nothing(side: Side) -> None:
    assert side.talk.requeue(FIRST, [(0, 5)]) == 0
    assert side.changed == []


def test_requeueing_tells_how_much_waits_now(side: Side) -> None:
    add_session(side.spool, FIRST, chunks=3)
    side.ack_all(FIRST)
    assert side.talk.requeue(FIRST, [(1, 2)]) == 2
    assert side.applied == [Counted(2)]
    assert side.changed == [FIRST]
