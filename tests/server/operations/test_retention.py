import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scribe_server.errors import ConfigError, StartupError
from scribe_server.operations import retention as command
from scribe_server.operations.retention import retention
from scribe_server.retention.policy import DAY_MS
from scribe_server.retention.requests import waiting
from scribe_server.retention.run import Retention
from scribe_server.retention.worker import RetentionWorker
from scribe_server.store.clock import now_ms
from tests.parts.retention import RULES, archive_paths, complete, is_hot
from tests.parts.store import SESSION, Served, served


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A complete session, ten days old."""
    with served(tmp_path) as server:
        server.clock.now = now_ms() - 10 * DAY_MS
        asyncio.run(complete(server, server.owner()))
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    first, *rest = words
    return CliRunner().invoke(
        retention, [first, "--data-dir", str(folder), *rest], catch_exceptions=False
    )


def told(folder: Path, *words: str) -> Any:
    return json.loads(run(folder, *words, "--json").stdout)


SURE = "--yes-the-clock-is-right"


def test_a_dry_run_changes_nothing(folder: Path) -> None:
    document = told(folder, "run", "--dry-run", SURE)
    (one,) = document["planned"]
    assert (one["session"], one["step"], document["dryRun"]) == (SESSION, "archive", True)
    assert is_hot(folder, 0)
    assert told(folder, "status")["lastRun"] is None


def test_a_run_archives_what_is_due(folder: Path) -> None:
    done = run(folder, "run", SURE)
    assert done.exit_code == 0
    assert done.stdout.startswith("Archived 1 sessions (")
    assert len(archive_paths(folder)) == 1
    assert not is_hot(folder, 0)
    status = told(folder, "status")
    assert (status["archived"], status["lastRun"]["counts"]["archived"]) == (1, 1)
    assert status["place"] == str(folder / "archives")


def test_the_settings_are_flags(folder: Path) -> None:
    assert told(folder, "run", SURE, "--retention-days", "20")["counts"]["archived"] == 0
    elsewhere = folder / "elsewhere"
    assert told(folder, "run", SURE, "--archive-dir", str(elsewhere))["counts"]["archived"] == 1
    assert len(list(elsewhere.rglob("*.zip"))) == 1


@pytest.mark.logs_errors
def test_a_run_that_is_refused_or_fails_has_exit_code_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "uptime_ms", lambda: 0)
    refused = run(folder, "run")
    assert refused.exit_code == 1
    assert "Refused: the clock is 2" in refused.stdout
    (folder / "archives").write_bytes(b"in the way")
    failed = run(folder, "run", SURE)
    assert failed.exit_code == 1
    assert f"Session {SESSION} of anna could not be moved" in failed.stdout


def test_a_running_server_is_asked_and_does_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    async def serve(server: Served) -> None:
        work = Retention(server.store, RULES, lambda: 10**15)
        worker = RetentionWorker(server.store, work, "UTC")
        worker._is_first = False
        while not ended.is_set():
            await worker.look()
            await asyncio.sleep(0.01)

    monkeypatch.setattr(command, "_WAIT_S", 0.01)
    with served(folder) as server:
        server.clock.now = now_ms()
        thread = threading.Thread(target=lambda: asyncio.run(serve(server)))
        thread.start()
        try:
            done = run(folder, "run", SURE)
        finally:
            ended.set()
            thread.join()
    assert done.exit_code == 0
    assert "A server is running on this folder" in done.stderr
    assert "Archived 1 sessions" in done.stdout


def test_a_server_that_ends_meanwhile_leaves_no_request(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, False])
    monkeypatch.setattr(command, "_WAIT_S", 0.0)
    monkeypatch.setattr(command, "_is_served", lambda _: next(answers))
    with pytest.raises(StartupError, match="ended meanwhile"):
        run(folder, "run")
    with served(folder) as server, server.store.database.snapshot() as connection:
        assert waiting(connection) == {}


def test_a_session_can_be_held_and_released(folder: Path) -> None:
    assert run(folder, "hold", "--user", "anna", SESSION.upper()).exit_code == 0
    assert told(folder, "run", SURE)["counts"] == {
        **dict.fromkeys(("archived", "cooled", "removed", "failed", "bytes"), 0),
        "blocked": 1,
    }
    assert "held no more" in run(folder, "hold", "--user", "anna", "--release", SESSION).stdout
    assert told(folder, "run", SURE)["counts"]["archived"] == 1


def test_an_archived_session_can_be_restored(folder: Path) -> None:
    run(folder, "run", SURE)
    done = run(folder, "restore", "--user", "anna", SESSION)
    assert done.stdout.startswith("Restored 3 chunks")
    assert is_hot(folder, 2)


def test_what_does_not_exist_is_said(folder: Path, tmp_path: Path) -> None:
    for words in (("hold", "--user", "ben", SESSION), ("restore", "--user", "ben", SESSION)):
        with pytest.raises(ConfigError, match="'ben' has no session"):
            run(folder, *words)
    with pytest.raises(ConfigError, match="There is no Scribe server"):
        run(tmp_path / "nowhere", "status")


def test_restoring_beside_a_running_server_is_refused(folder: Path) -> None:
    with served(folder), pytest.raises(StartupError, match="Another Scribe server"):
        run(folder, "restore", "--user", "anna", SESSION)


def test_a_cold_session_cannot_be_restored(folder: Path) -> None:
    run(folder, "run", SURE)
    with served(folder) as server:
        server.clock.now = now_ms() - 5 * DAY_MS
        with server.store.database.transaction() as connection:
            connection.exec_driver_sql("UPDATE archives SET created_at = 5")
    run(folder, "run", SURE, "--cold-without-transcript", "yes")
    with pytest.raises(ConfigError, match="removed for good"):
        run(folder, "restore", "--user", "anna", SESSION)
