from functools import partial

from scribe_server.inflow import FIRST_BYTES, Inflow

MOST = 1_000_000


class Connections:
    """Connections by name, and which were cut."""

    def __init__(self, **owners: str | None) -> None:
        self.inflow = Inflow(MOST)
        self.cut: list[str] = []
        self.owners = owners
        for name in owners:
            self.inflow.watch(name, partial(owners.get, name), partial(self.cut.append, name))


def test_a_whole_message_counts_no_more() -> None:
    connections = Connections(one="ada")
    connections.inflow.received("one", MOST - 1)
    assert connections.inflow.bytes == MOST - 1
    connections.inflow.handed_over("one")
    connections.inflow.received("one", MOST)
    assert (connections.inflow.bytes, connections.cut) == (MOST, [])


def test_a_stranger_may_send_little() -> None:
    connections = Connections(one=None)
    connections.inflow.received("one", FIRST_BYTES)
    assert connections.cut == []
    connections.inflow.received("one", 1)
    assert connections.cut == ["one"]
    assert (connections.inflow.bytes, connections.inflow.watched) == (0, 0)


def test_what_a_stranger_may_is_told_by_the_moment() -> None:
    connections = Connections(one=None)
    connections.inflow.received("one", FIRST_BYTES)
    connections.owners["one"] = "ada"
    connections.inflow.received("one", FIRST_BYTES)
    assert connections.cut == []


def test_the_oldest_message_of_the_greediest_owner_makes_room() -> None:
    connections = Connections(slow="ada", first="eve", second="eve", third="eve")
    for name in ("slow", "first", "second"):
        connections.inflow.received(name, MOST // 4)
    connections.inflow.received("third", MOST // 4 + 1)
    assert connections.cut == ["first"]
    connections.inflow.received("second", MOST // 4)
    assert connections.cut == ["first", "second"]


def test_the_order_is_that_of_the_messages_not_of_the_connections() -> None:
    connections = Connections(one="eve", two="eve")
    connections.inflow.received("one", 10)
    connections.inflow.received("two", MOST // 2)
    connections.inflow.handed_over("one")
    connections.inflow.received("one", MOST // 2 + 1)
    assert connections.cut == ["two"]


def test_many_strangers_are_bounded_together_too() -> None:
    connections = Connections(**{f"s{number}": None for number in range(20)})
    for name in connections.owners:
        connections.inflow.received(name, FIRST_BYTES)
    assert connections.inflow.bytes <= MOST
    assert connections.cut == ["s0", "s1", "s2", "s3", "s4"]


def test_connections_that_nobody_watches_are_not_counted() -> None:
    inflow = Inflow(10)
    inflow.received("a request", 100)
    inflow.handed_over("a request")
    inflow.forget("a request")
    assert (inflow.bytes, inflow.watched) == (0, 0)
