from collections.abc import Callable
from contextlib import closing
from typing import Any

from scribe_desktop.app import App
from scribe_desktop.cli.status import storage_lines
from scribe_desktop.config import Settings
from scribe_desktop.credentials import MemoryCredentials
from scribe_desktop.paths import Paths
from tests.parts.fake_app_parts import Made
from tests.parts.filled_spool import add_session, session_id_of, spool_in

Scribe = Callable[..., Any]


def test_without_an_instance_the_spool_answers(scribe: Scribe, paths: Paths) -> None:
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, session_id_of(1), chunks=2)
    said = scribe("status", "--json")
    assert said.json == {
        "running": False, "server": "local", "pending": 2, "awaitingReceipt": 1, "sessions": 1,
    }  # fmt: skip
    assert scribe("status").out == ("Scribe does not run.\n2 parts to send, 1 receipts to come.\n")


def test_where_nothing_was_recorded_nothing_is_to_be_sent(scribe: Scribe) -> None:
    assert scribe("status", "--json").json["pending"] == 0


def test_the_running_instance_tells_what_it_records(
    made: Made, scribe: Scribe, paths: Paths
) -> None:
    owner = App(Settings(), paths, MemoryCredentials(), environ={}, parts=made.parts())
    owner.start()
    assert "Nothing is being recorded." in scribe("status").out
    session_id = owner.start_recording(owner.new_request("Team call"))
    status = scribe("status", "--json").json
    assert (status["running"], status["capture"]["sessionId"]) == (True, session_id)
    assert status["pending"] == 1
    said = scribe("status")
    assert f"Recording 'Team call', 00:30 ({session_id})." in said.out
    owner.stop()


def test_what_was_salvaged_is_told() -> None:
    assert storage_lines({"salvaged": ["2 parts were saved."]}) == [
        "A damaged file was put aside. 2 parts were saved."
    ]
    assert storage_lines({}) == []


def test_the_room_that_is_left_is_told() -> None:
    assert storage_lines({"room": {"free": 600 << 20, "minutes": 21}}) == [
        "Room for 20 more minutes."
    ]
