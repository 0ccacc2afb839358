import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from scribe_desktop.selftest.relay import Relay


class Echo:
    """A server that sends back what it gets."""

    def __init__(self) -> None:
        self.received = bytearray()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                with client:
                    while data := client.recv(65_536):
                        self.received += data
                        client.sendall(data)
            except ConnectionError:
                continue
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def relay(echo: Echo) -> Iterator[Relay]:
    with Relay() as made:
        made.aim(echo.port)
        yield made


def dial(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(relay.origin).port or 0), timeout=5)


def exchange(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    return client.recv(100)


def is_refused(relay: Relay) -> bool:
    """The relay may hang up while we still dial, or right after it."""
    try:
        with dial(relay) as client:
            return is_dead(client)
    except ConnectionError:
        return True


def is_dead(client: socket.socket) -> bool:
    try:
        return exchange(client, b"still there?") == b""
    except ConnectionError:
        return True


def test_bytes_go_both_ways_and_are_counted(relay: Relay) -> None:
    with dial(relay) as client:
        assert exchange(client, b"hello") == b"hello"
    assert (relay.uploaded, relay.connections, relay.broken) == (5, 1, 0)


def test_a_cut_ends_connections_and_new_ones_until_it_heals(relay: Relay) -> None:
    with dial(relay) as client:
        exchange(client, b"hello")
        relay.cut()
        assert is_dead(client)
    assert relay.broken == 1
    assert is_refused(relay)
    relay.heal()
    with dial(relay) as client:
        assert exchange(client, b"again") == b"again"


def test_an_alarm_rings_once_and_before_the_bytes_go_on(relay: Relay, echo: Echo) -> None:
    rung: list[bytes] = []
    relay.after_upload(8, lambda: rung.append(bytes(echo.received)))
    with dial(relay) as client:
        exchange(client, b"1234")
        exchange(client, b"5678")
        exchange(client, b"9")
    assert rung == [b"1234"]


def test_a_cut_at_an_alarm_loses_what_lies_behind_it(relay: Relay, echo: Echo) -> None:
    relay.after_upload(6, relay.cut)
    with dial(relay) as client:
        exchange(client, b"1234")
        assert is_dead(client)
    assert echo.received == b"1234"


def test_nobody_is_reached_before_it_is_aimed() -> None:
    with Relay() as relay:
        assert is_refused(relay)
    assert relay.broken == 0
