import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from scribe_server.app import Server
from scribe_server.config import ServerConfig
from scribe_server.loadtest import run as module
from scribe_server.loadtest.errors import LoadtestError
from scribe_server.loadtest.job import Counts, Progress
from scribe_server.loadtest.options import Options
from scribe_server.loadtest.report import Report
from scribe_server.loadtest.run import machine, run
from scribe_server.loadtest.screen import View
from tests.parts.loadtest import plan

TOKEN = "scribe_token-of-this-run"


class Watched:
    """A screen that keeps what it was shown."""

    def __init__(self) -> None:
        self.views: list[View] = []
        self.closed = False

    def say(self, words: str) -> None:
        raise AssertionError(words)

    def show(self, view: View) -> None:
        self.views.append(view)

    def close(self) -> None:
        self.closed = True


def against(folder: Path, screen: Watched, **changes: object) -> Report:
    """A run against a server in this process."""

    async def both() -> Report:
        config = ServerConfig(folder, folder, folder, port=0)
        async with asyncio.timeout(25), Server(config, child_token=TOKEN) as server:
            usual = {"url": server.url, "token": TOKEN, "chunk_bytes": 1000}
            options = Options(plan(chunks=3), **{**usual, **changes})  # type: ignore[arg-type]
            return await run(options, screen)

    return asyncio.run(both())


def test_a_run_against_somebodys_server_is_proved_and_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    screen = Watched()
    report = against(tmp_path / "data", screen)
    assert report.passed
    assert (report.total_chunks, report.lost, report.memory, report.disk) == (3, 0, None, None)
    assert screen.closed
    assert list(temporary.iterdir()) == []


def test_a_server_whose_process_is_named_is_observed(tmp_path: Path) -> None:
    report = against(tmp_path, Watched(), server_pid=os.getpid())
    assert report.memory is not None
    assert report.disk is not None
    assert report.server.cpu_s is not None
    assert report.server.own is False


def test_a_process_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoadtestError, match="--server-pid"):
        against(tmp_path, Watched(), server_pid=2**22 - 3)


def test_what_workers_report_is_added_up_for_the_screen() -> None:
    screen = Watched()
    live = module._Live(Options(plan(sessions=2, chunks=5)), screen)
    live.heard(0, Progress(Counts(acked=2, acked_bytes=4000), [1.0, 3.0], "sending"))
    live.heard(1, Progress(Counts(acked=3), [2.0], "sending"))
    assert live.acked() == 5
    view = live._view()
    assert (view.phase, view.expected, view.counts.acked, view.p50_ms) == ("sending", 10, 5, 2.0)
    live.phase = "verifying"
    live.heard(0, Progress(Counts(acked=2), [], "receipts"))
    assert live._view().phase == "verifying"


def test_the_machine_is_described() -> None:
    found = machine()
    assert found.cpus >= 1
    assert found.memory_bytes > 0
    assert found.system
