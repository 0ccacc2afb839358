from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from scribe_desktop.paths import Paths
from tests.parts.fake_app_parts import Made
from tests.parts.filled_spool import add_session, session_id_of, spool_in

Scribe = Callable[..., Any]


@pytest.fixture(autouse=True)
def _one_session(paths: Paths) -> None:
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, session_id_of(1), chunks=2)


def test_everything_is_sent_once(made: Made, scribe: Scribe) -> None:
    made.delivers = True
    said = scribe("sync", "--once", "--json")
    assert said.code == 0
    assert said.json == {
        "pending": 0,
        "awaitingReceipt": 0,
        "verified": 1,
        "problems": [],
        "lost": [],
    }
    assert "Everything is delivered: 1 recordings" in scribe("sync", "--once").out


def test_in_vain_it_ends_with_6(made: Made, scribe: Scribe) -> None:
    said = scribe("sync", "--once", "--timeout", "0", "--json")
    assert said.code == 6
    assert said.json["pending"] == 2


def test_a_refused_recording_ends_it_with_5(made: Made, scribe: Scribe, paths: Paths) -> None:
    made.delivers = True
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, session_id_of(2), chunks=1)
        spool.refuse_session(session_id_of(2), "conflict")
    said = scribe("sync", "--once")
    assert said.code == 5
    assert session_id_of(2) in said.err


def test_without_once_it_says_how(made: Made, scribe: Scribe) -> None:
    said = scribe("sync")
    assert said.code == 2
    assert "scribe sync --once" in said.err
