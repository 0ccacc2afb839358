import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scribe_server.errors import ConfigError, StartupError
from scribe_server.operations.doctor import doctor
from scribe_server.retention.policy import DAY_MS
from scribe_server.store.database import DATABASE_NAME
from tests.parts.damage import flip, flip_chunk, rows_of, segment_path
from tests.parts.retention import COOLING, archive_paths, archived, run_after
from tests.parts.store import OTHER_SESSION, SESSION, served, stop_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete session of three chunks."""
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        asyncio.run(server.ingest.stop_session(server.owner(), stop_of(3)))
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(doctor, ["--data-dir", str(folder), *words], catch_exceptions=False)


def told(folder: Path, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(folder, "--json", *words).stdout)
    return document


def test_a_sound_folder_is_said_to_be_so(folder: Path) -> None:
    done = run(folder)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "Sound"
    assert "1 sessions, 3 chunks in 1 segments, 0 archives, 1 receipts" in done.stdout


def test_archived_and_cold_sessions_are_sound_and_their_archives_are_looked_at(
    tmp_path: Path,
) -> None:
    with served(tmp_path, max_segment_bytes=1) as server:
        archived(server, server.owner())
        asyncio.run(server.record(server.owner(), [0, 1], OTHER_SESSION))
    document = told(tmp_path)
    assert (document["sound"], document["counted"]["archives"]) == (True, 1)
    with served(tmp_path, max_segment_bytes=1) as server:
        server.clock.now += 8 * DAY_MS
        asyncio.run(run_after(server, 31, COOLING))
    assert [found for found in told(tmp_path)["findings"] if found["problem"]] == []
    (path,) = archive_paths(tmp_path)
    path.unlink()
    done = run(tmp_path, "--quick")
    assert done.exit_code == 1
    assert "problem (archive-missing): The archive 1/" in done.stdout


def test_a_problem_is_a_line_and_exit_code_1(folder: Path) -> None:
    flip_chunk(folder, 1)
    done = run(folder)
    assert done.exit_code == 1
    assert f"problem (chunk-damaged): Chunks 1 of session {SESSION} of anna" in done.stdout
    assert run(folder, "--quick").exit_code == 0


def test_json_has_the_documented_keys(folder: Path) -> None:
    flip_chunk(folder, 1)
    document = told(folder)
    assert list(document) == [
        *("version", "folder", "sound", "quick", "besideServer", "counted", "done", "findings"),
    ]
    assert (document["sound"], document["quick"], document["besideServer"]) == (False, False, False)
    (found,) = document["findings"]
    assert {**found, "message": ""} == {
        "kind": "chunk-damaged",
        "problem": True,
        "message": "",
        "session": SESSION,
        "user": "anna",
        "segment": 1,
        "sequences": [[1, 1]],
    }
    assert set(document["counted"]) == {
        *("segments", "records", "chunks", "bytes", "sessions", "tombstones", "receipts"),
        "archives",
    }


def test_fix_says_what_it_did_and_what_is_left_to_the_clients(folder: Path) -> None:
    flip_chunk(folder, 1)
    document = told(folder, "--fix")
    assert document["done"] == [f"Marked 1 chunks of session {SESSION} as damaged"]
    problems = [found["kind"] for found in document["findings"] if found["problem"]]
    assert problems == ["chunk-missing"]
    rows_of(folder, "UPDATE segments SET live = 7")
    fixed = run(folder, "--fix")
    assert "done: Segment 1 holds 3 chunks, not 7" in fixed.stdout


def test_fixing_what_can_be_fixed_leaves_exit_code_0(folder: Path) -> None:
    rows_of(folder, "UPDATE segments SET live = 7")
    assert run(folder).exit_code == 1
    assert run(folder, "--fix").exit_code == 0
    assert run(folder).exit_code == 0


def test_beside_a_running_server_it_only_reads(folder: Path) -> None:
    with served(folder):
        done = run(folder)
        assert done.exit_code == 0
        assert "A server is running on this folder" in done.stdout
        for flag in ("--fix", "--rebuild"):
            with pytest.raises(StartupError) as refused:
                run(folder, flag)
            assert "only reads" in refused.value.remedy


def test_a_damaged_database_is_named_with_what_helps(folder: Path) -> None:
    (folder / DATABASE_NAME).write_bytes(b"?" * 5000)
    done = run(folder)
    assert done.exit_code == 1
    assert "doctor --rebuild" in done.stdout
    with pytest.raises(StartupError, match="damaged") as refused:
        run(folder, "--fix")
    assert "doctor --rebuild" in refused.value.remedy


def test_rebuild_says_what_it_knows_and_what_nobody_can(folder: Path) -> None:
    (folder / DATABASE_NAME).write_bytes(b"?" * 5000)
    done = run(folder, "--rebuild")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "Made a new database: 1 users, 1 sessions, 3 chunks, 0 damaged ones, 0 deletions"
    )
    assert lines[1].startswith(f"The old one is kept as {folder / DATABASE_NAME}.before-rebuild-")
    assert "tokens create" in lines[-1]
    assert run(folder).exit_code == 0


def test_rebuild_says_what_it_could_not_read(folder: Path) -> None:
    (folder / DATABASE_NAME).unlink()
    flip(segment_path(folder, 1), 4096 + 20)
    document = told(folder, "--rebuild")
    assert document["rebuilt"]["unreadable"] == {"1": 8192}
    assert document["rebuilt"]["oldDatabase"] is None
    assert run(folder).exit_code == 1  # the stretch is still there


def test_the_words_of_a_rebuild_name_every_loss(tmp_path: Path) -> None:
    with served(tmp_path, max_segment_bytes=1) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
    (tmp_path / DATABASE_NAME).unlink()
    flip(segment_path(tmp_path, 1), 20)
    done = run(tmp_path, "--rebuild")
    assert "Segment 1: 4096 bytes behind a damaged header" in done.stdout
    assert f"{segment_path(tmp_path, 1)} was renamed" in done.stdout


def test_a_folder_without_a_server_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no Scribe server"):
        run(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_fix_and_rebuild_do_not_go_together(folder: Path) -> None:
    with pytest.raises(ConfigError, match="rebuild first"):
        run(folder, "--fix", "--rebuild")
