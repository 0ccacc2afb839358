import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import click
import pytest

from scribe_desktop.paths import Paths
from scribe_desktop.spool import Spool
from tests.parts.delivered import deliver
from tests.parts.fake_app_parts import FakeSync, Made
from tests.parts.filled_spool import add_session, session_id_of, spool_in

Scribe = Callable[..., Any]
SESSION = session_id_of(1)
AT_ONCE = ("--timeout", "0")


@pytest.fixture(autouse=True)
def _one_session(paths: Paths) -> None:
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, SESSION, chunks=3)
        deliver(spool, SESSION)


def is_there(paths: Paths) -> bool:
    with closing(Spool.open_read_only(paths.spool_dir)) as spool:
        return spool.session(SESSION) is not None


def test_what_the_server_confirms_is_deleted(
    made: Made, scribe: Scribe, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeSync, "confirm", lambda _self, asked: frozenset(asked))
    said = scribe("delete", SESSION[:8], "--json")
    assert said.code == 0
    assert said.json == {"sessionId": SESSION, "deleted": True, "lostMs": 0}
    assert not is_there(paths)


def test_without_the_servers_word_it_ends_with_6_and_names_the_minutes(
    made: Made, scribe: Scribe, paths: Paths
) -> None:
    said = scribe("delete", SESSION, *AT_ONCE)
    assert said.code == 6
    assert "1.5 minutes of “A meeting” may be nowhere else" in said.err
    assert "--accept-loss" in said.err
    assert is_there(paths)


def test_the_loss_can_be_accepted(made: Made, scribe: Scribe, paths: Paths) -> None:
    said = scribe("delete", SESSION, *AT_ONCE, "--accept-loss", "--json")
    assert (said.code, said.json["lostMs"]) == (0, 90_000)
    assert not is_there(paths)


@pytest.mark.parametrize(("agrees", "code"), [(True, 0), (False, 6)])
def test_on_a_terminal_the_person_is_asked(
    made: Made, scribe: Scribe, paths: Paths, monkeypatch: pytest.MonkeyPatch,
    agrees: bool, code: int,
) -> None:  # fmt: skip
    asked: list[str] = []

    def confirm(words: str, *, err: bool) -> bool:
        asked.append(words)
        return agrees

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(click, "confirm", confirm)
    assert scribe("delete", SESSION, *AT_ONCE).code == code
    assert "1.5 minutes" in asked[0]
    assert is_there(paths) is not agrees


def test_an_unknown_recording_is_a_wrong_argument(made: Made, scribe: Scribe) -> None:
    assert scribe("delete", "ffff").code == 2
