from collections.abc import Callable
from contextlib import closing
from typing import Any

from scribe_desktop.paths import Paths
from tests.parts.delivered import deliver
from tests.parts.filled_spool import add_session, session_id_of, spool_in

Scribe = Callable[..., Any]


def test_no_recordings_are_an_empty_list(scribe: Scribe) -> None:
    assert scribe("sessions", "--json").json == []
    assert scribe("sessions").out == "There are no recordings yet.\n"


def test_the_newest_comes_first_with_its_receipt(scribe: Scribe, paths: Paths) -> None:
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, session_id_of(1), chunks=1, started_at=1_000)
        add_session(spool, session_id_of(2), chunks=2, started_at=2_000)
        deliver(spool, session_id_of(2))
    first, second = scribe("sessions", "--json").json
    assert (first["sessionId"], first["state"]) == (session_id_of(2), "verified")
    assert first["receipt"]["chunks"] == 2
    assert (second["ackedChunks"], second["receipt"], second["recovered"]) == (0, None, False)
    assert len(scribe("sessions", "--json", "--limit", "1").json) == 1


def test_a_line_says_what_became_of_a_recording(scribe: Scribe, paths: Paths) -> None:
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, session_id_of(1), chunks=2, ended=False)
        spool.end_session(session_id_of(1), ended_at=9, recovered=True)
    line = scribe("sessions").out
    assert "local (recovered)" in line
    assert "0/2 sent" in line
    assert "A meeting" in line
