import contextlib
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from scribe_desktop.sync.counting import CountingSocket, queued_bytes


@pytest.fixture
def pair() -> Iterator[tuple[CountingSocket, socket.socket]]:
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as listener,
        closing(CountingSocket(socket.AF_INET, socket.SOCK_STREAM)) as ours,
    ):
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
        with closing(theirs):
            yield ours, theirs


def test_every_way_to_send_and_receive_is_counted(
    pair: tuple[CountingSocket, socket.socket],
) -> None:
    ours, theirs = pair
    assert ours.send(b"abc") + ours.sendmsg([b"de", b"f"]) == 6
    theirs.sendall(b"12345")
    buffer = bytearray(2)
    assert ours.recv_into(buffer) == 2
    assert ours.recv(10) == b"345"
    assert (ours.sent, ours.received) == (6, 5)


def test_what_the_other_side_has_not_taken_is_not_confirmed(
    pair: tuple[CountingSocket, socket.socket],
) -> None:
    ours, _ = pair
    ours.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        for _ in range(1_000):
            ours.send(bytes(100_000))
    assert queued_bytes(ours.fileno()) > 0
    assert ours.confirmed() < ours.sent


def test_a_cut_is_seen_by_both_sides_and_may_be_repeated(
    pair: tuple[CountingSocket, socket.socket],
) -> None:
    ours, theirs = pair
    ours.cut()
    assert ours.recv(1) == b""
    assert theirs.recv(1) == b""
    ours.close()
    ours.cut()
    assert ours.fileno() == -1
    assert ours.confirmed() == 0


def test_a_socket_that_never_connected_is_closed_by_a_cut() -> None:
    alone = CountingSocket(socket.AF_INET, socket.SOCK_STREAM)
    alone.cut()
    assert alone.fileno() == -1
