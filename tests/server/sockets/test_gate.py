import asyncio

from scribe_server.backpressure import OPEN, QueueLimits, closed
from scribe_server.protocol import Backpressure, BackpressureReason
from scribe_server.sockets.gate import Gate
from scribe_server.sockets.peers import Peer
from scribe_server.tasks import Tasks
from tests.server.sockets.doubles import peer

GO = Backpressure(True)


def gate_and_log(max_unstored: int = 1000) -> tuple[Gate, list[tuple[str, Backpressure]]]:
    told: list[tuple[str, Backpressure]] = []
    gate = Gate(
        QueueLimits(max_chunks=4, max_bytes=1000),
        max_unstored,
        lambda to, what: told.append((to.socket, what)),
    )
    return gate, told


def fill(gate: Gate, socket: Peer, chunks: int) -> None:
    for _ in range(chunks):
        gate.took(socket, 10)


def test_a_full_queue_is_told_once_and_the_go_comes_at_half() -> None:
    gate, told = gate_and_log()
    socket = peer()
    fill(gate, socket, 5)
    assert told == [("a", Backpressure(False, BackpressureReason.QUEUE, 1000))]
    assert not gate.can_accept(socket)
    gate.released(socket, 10)
    gate.released(socket, 10)
    assert len(told) == 1
    gate.released(socket, 10)
    assert told[1:] == [("a", GO)]
    assert gate.can_accept(socket)


def test_a_server_wide_stop_and_go_reaches_every_socket_once() -> None:
    gate, told = gate_and_log()
    gate.peers = {peer("a"), peer("b")}
    for _ in range(2):
        gate.update(closed(BackpressureReason.DISK))
    assert sorted(to for to, _ in told) == ["a", "b"]
    for _ in range(2):
        gate.update(OPEN)
    assert sorted(to for to, what in told if what == GO) == ["a", "b"]


def test_the_go_waits_for_the_sockets_own_queue() -> None:
    gate, told = gate_and_log()
    socket = peer()
    gate.peers = {socket}
    fill(gate, socket, 4)
    gate.update(closed(BackpressureReason.MEMORY))
    gate.update(OPEN)
    assert GO not in [what for _, what in told]
    gate.released(socket, 10)
    gate.released(socket, 10)
    assert told[-1] == ("a", GO)


def test_a_socket_that_ended_is_told_nothing_more() -> None:
    gate, told = gate_and_log()
    socket = peer()
    fill(gate, socket, 4)
    socket.ended = True
    for _ in range(4):
        gate.released(socket, 10)
    assert len(told) == 1


def test_a_socket_with_a_full_queue_waits_until_one_chunk_is_stored() -> None:
    async def scenario() -> None:
        gate, _ = gate_and_log()
        socket = peer()
        fill(gate, socket, 4)
        waiting = Tasks().spawn(gate.room(socket, lambda: None), "waiting")
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.released(socket, 10)
        await waiting

    asyncio.run(scenario())


def test_sockets_wait_together_for_the_bytes_of_all() -> None:
    async def scenario() -> list[Backpressure]:
        gate, told = gate_and_log(max_unstored=20)
        first, second = peer("a"), peer("b")
        fill(gate, first, 2)
        waiting = Tasks().spawn(gate.room(second, lambda: None), "waiting")
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.released(first, 10)
        await waiting
        return [what for to, what in told if to == "b"]

    told = asyncio.run(scenario())
    assert [(what.can_accept, what.reason) for what in told] == [
        (False, BackpressureReason.QUEUE),
        (True, None),
    ]


def test_emptied_returns_once_all_is_answered_and_after_the_time() -> None:
    async def scenario() -> None:
        gate, _ = gate_and_log()
        socket = peer()
        await gate.emptied(10)
        fill(gate, socket, 2)
        waiting = Tasks().spawn(gate.emptied(10), "waiting")
        gate.released(socket, 10)
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.released(socket, 10)
        await waiting
        fill(gate, socket, 1)
        await gate.emptied(0.01)
        assert gate.all.chunks == 1

    asyncio.run(scenario())
