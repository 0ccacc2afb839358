from pathlib import Path

from scribe_server.retention import requests
from scribe_server.retention.requests import RunRequest
from tests.parts.store import served


def test_a_request_waits_until_it_is_withdrawn(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.store.database.transaction() as connection:
        first = requests.ask(connection, RunRequest(clock_is_right=True), 1)
        second = requests.ask(connection, RunRequest(), 2)
        assert requests.waiting(connection) == {first: RunRequest(True), second: RunRequest()}
        requests.withdraw(connection, [first])
        assert not requests.is_waiting(connection, first)
        assert requests.is_waiting(connection, second)
        requests.withdraw(connection, {second: None})
        assert requests.waiting(connection) == {}
