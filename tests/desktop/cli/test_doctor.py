from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from scribe_desktop.doctor import surroundings
from scribe_desktop.doctor.surroundings import Level
from scribe_desktop.paths import Paths
from scribe_desktop.spool import SpoolLock
from scribe_desktop.spool.quarantine import FILE_NAME
from tests.parts.filled_spool import add_session, session_id_of, spool_in

Scribe = Callable[..., Any]
SESSION = session_id_of(1)


@pytest.fixture(autouse=True)
def only_one_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the surroundings; the recordings are looked at in any case."""
    monkeypatch.setattr(surroundings, "CHECKS", {"disk": lambda _: (Level.OK, "Room.")})


def fill(paths: Paths, *, damaged: bool = False) -> None:
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, SESSION, chunks=2)
        if damaged:
            spool.change(lambda c: c.execute("UPDATE audio SET data = x'00'") and None)


@pytest.mark.parametrize(("level", "code"), [(Level.OK, 0), (Level.WARN, 0), (Level.FAIL, 1)])
def test_only_a_fail_is_an_exit_code(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, level: Level, code: int
) -> None:
    monkeypatch.setattr(surroundings, "CHECKS", {"disk": lambda _: (level, "Words.")})
    said = scribe("doctor", "--json")
    assert said.code == code
    assert said.json["ok"] is (code == 0)
    assert said.json["checks"] == [
        {"name": "disk", "level": level.value, "words": "Words."},
        {"name": "recordings", "level": "ok", "words": "Nothing was recorded yet."},
    ]
    lines = scribe("doctor").out.splitlines()
    assert lines == [
        f"{level.value:<4}  disk: Words.",
        "ok    recordings: Nothing was recorded yet.",
    ]


def test_sound_recordings_are_counted(scribe: Scribe, paths: Paths) -> None:
    fill(paths)
    said = scribe("doctor", "--json")
    assert said.code == 0
    found = said.json["recordings"]
    assert (found["sound"], found["findings"], found["quick"]) == (True, [], False)
    assert (found["counted"]["parts"], found["counted"]["unsent"]) == (2, 2)
    assert "1 recordings, 2 parts, 2 to send, " in scribe("doctor").out
    assert "no SHA-256 compared: all sound." in scribe("doctor", "--quick").out


def test_a_damaged_part_is_found_mended_on_demand_and_told_ever_after(
    scribe: Scribe, paths: Paths
) -> None:
    fill(paths, damaged=True)
    said = scribe("doctor")
    assert said.code == 1
    assert f"problem (part-damaged): Parts 0-1 of {SESSION} have other bytes" in said.out
    said = scribe("doctor", "--fix", "--json")
    assert said.code == 0
    assert len(said.json["recordings"]["done"]) == 2
    assert "done: " in said.err
    said = scribe("doctor")
    assert said.code == 0
    assert f"notice (part-lost): Parts 0-1 of {SESSION} are lost" in said.out


def test_beside_a_running_scribe_it_reads_and_refuses_to_fix(scribe: Scribe, paths: Paths) -> None:
    fill(paths)
    with SpoolLock.acquire(paths.owner_lock):
        said = scribe("doctor", "--json")
        assert (said.code, said.json["recordings"]["besideScribe"]) == (0, True)
        assert "A Scribe is running" in scribe("doctor").out
        said = scribe("doctor", "--fix")
        assert said.code == 7
        assert "End it first" in said.err


def test_a_spool_that_does_not_open_is_found_and_mended(scribe: Scribe, paths: Paths) -> None:
    paths.spool_dir.mkdir(parents=True)
    (paths.spool_dir / FILE_NAME).write_bytes(b"no database at all" * 1000)
    said = scribe("doctor")
    assert said.code == 1
    assert "problem (database-damaged)" in said.out
    assert "A start of Scribe, or --fix, puts the damaged file aside" in said.out
    said = scribe("doctor", "--fix")
    assert said.code == 0
    assert "done: Put the damaged file aside" in said.out
    assert "notice (quarantined)" in said.out
