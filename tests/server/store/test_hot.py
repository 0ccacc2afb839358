from scribe_server.store.hot import HotSession, HotSessions
from tests.parts.store import OTHER_SESSION, SESSION


def session(pk: int, uuid: str = SESSION, owner: int = 1) -> HotSession:
    return HotSession(pk, owner, "anna", uuid, "chunks", None, max_seq=-1, recording=True)


def test_a_session_is_found_by_its_owner_and_uuid_only() -> None:
    hot = HotSessions()
    one = hot.put(session(1))
    assert hot.get(1, SESSION) is one
    assert hot.get(2, SESSION) is None
    assert hot.get(1, OTHER_SESSION) is None


def test_the_session_kept_longest_makes_room() -> None:
    hot = HotSessions(most=2)
    for number in range(3):
        hot.put(session(number, uuid=str(number)))
    assert len(hot) == 2
    assert hot.get(1, "0") is None
    assert hot.get(1, "2") is not None


def test_a_deleted_session_is_gone_even_for_those_who_still_hold_it() -> None:
    hot = HotSessions()
    one, other = hot.put(session(1)), hot.put(session(2, OTHER_SESSION))
    hot.forget(1, SESSION, 1)
    assert hot.get(1, SESSION) is None
    assert (hot.is_gone(one), hot.is_gone(other)) == (True, False)
