from scribe_server.protocol import ErrorCode
from scribe_server.sockets.bindings import MOST_SESSIONS, Binding, Bindings

KEY = (1, "session")


def test_the_newest_socket_of_a_device_gets_the_session_and_the_older_one_loses_it() -> None:
    bindings = Bindings()
    assert bindings.bind(KEY, "old", "laptop") is None
    assert not bindings.conflict(KEY, "new", "laptop")
    assert bindings.bind(KEY, "new", "laptop") == Binding("old", "laptop")
    assert bindings.refusal(KEY, "old", "laptop") is ErrorCode.SUPERSEDED
    assert bindings.refusal(KEY, "new", "laptop") is None
    assert (bindings.sessions_of("old"), bindings.sessions_of("new")) == (0, 1)


def test_a_session_that_another_device_records_is_a_conflict() -> None:
    bindings = Bindings()
    bindings.bind(KEY, "a", "laptop")
    assert bindings.conflict(KEY, "b", "phone")
    assert bindings.refusal(KEY, "b", "phone") is ErrorCode.CONFLICT


def test_a_stopped_session_may_go_on_anywhere() -> None:
    bindings = Bindings()
    bindings.bind(KEY, "a", "laptop")
    bindings.stopped(KEY, "b")
    assert bindings.conflict(KEY, "b", "phone")
    bindings.stopped(KEY, "a")
    assert not bindings.conflict(KEY, "b", "phone")
    assert bindings.bind(KEY, "b", "phone") == Binding("a", "laptop", recording=False)


def test_without_device_ids_the_newest_socket_wins() -> None:
    bindings = Bindings()
    bindings.bind(KEY, "a", None)
    assert not bindings.conflict(KEY, "b", None)
    assert not bindings.conflict(KEY, "b", "phone")


def test_a_session_nobody_speaks_for_takes_chunks_from_any_socket() -> None:
    assert Bindings().refusal(KEY, "a", None) is None


def test_two_users_may_use_the_same_session_id() -> None:
    bindings = Bindings()
    bindings.bind((1, "s"), "a", "laptop")
    assert not bindings.conflict((2, "s"), "b", "phone")


def test_starting_again_takes_the_session_back() -> None:
    bindings = Bindings()
    bindings.bind(KEY, "a", None)
    bindings.bind(KEY, "b", None)
    assert bindings.bind(KEY, "a", None) == Binding("b", None)
    assert bindings.refusal(KEY, "a", None) is None
    assert bindings.bind(KEY, "a", None) is None


def test_a_socket_that_ended_holds_and_has_lost_nothing() -> None:
    bindings = Bindings()
    bindings.bind(KEY, "a", "laptop")
    bindings.drop("a")
    assert not bindings.conflict(KEY, "b", "phone")
    bindings.bind(KEY, "b", "phone")
    bindings.bind(KEY, "c", "phone")
    bindings.drop("b")
    assert bindings.refusal(KEY, "b", "phone") is None
    assert bindings.sessions_of("c") == 1


def test_a_socket_is_remembered_for_so_many_sessions_and_forgets_the_oldest() -> None:
    bindings = Bindings()
    keys = [(1, f"session {number}") for number in range(MOST_SESSIONS + 1)]
    bindings.bind(keys[0], "a", "laptop")
    bindings.bind(keys[1], "a", "laptop")
    bindings.bind(keys[0], "a", "laptop")
    for key in keys[2:]:
        bindings.bind(key, "a", "laptop")
    assert bindings.sessions_of("a") == MOST_SESSIONS
    held = [key for key in keys if bindings.conflict(key, "b", "phone")]
    assert held == [keys[0], *keys[2:]]
    bindings.drop("a")
    assert not any(bindings.conflict(key, "b", "phone") for key in keys)


def test_a_socket_forgets_what_it_lost_long_ago() -> None:
    bindings = Bindings()
    keys = [(1, f"session {number}") for number in range(MOST_SESSIONS + 1)]
    for key in keys:
        bindings.bind(key, "a", None)
        bindings.bind(key, "b", None)
    lost = [key for key in keys if bindings.refusal(key, "a", None)]
    assert lost == keys[1:]
