"""The simulator as a person runs it, against a real server: every scenario, limits, real losses."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from scribe_server.loadtest import run as module
from scribe_server.loadtest.command import loadtest
from scribe_server.loadtest.report import Report, decode
from scribe_server.loadtest.verify import Proof, Verifier
from tests.parts.processes import REPOSITORY, wait_until
from tests.parts.server import ServerProcess

pytestmark = [pytest.mark.real]

SMALL = ("--synthetic", "--chunk-kb", "20")


class Simulator:
    """`python -m scribe_server loadtest` with its temporary files in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.file = folder / "report.json"

    def start(self, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "scribe_server",
                "loadtest",
                "--json",
                str(self.file),
                *arguments,
            ],
            cwd=REPOSITORY,
            env={**os.environ, "TMPDIR": str(self.temporary), **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, **environ: str) -> tuple[Report, str]:
        """Its report, which is of the documented schema, and what it printed."""
        with self.start(*arguments, **environ) as process:
            output, words = process.communicate(timeout=170)
        assert process.returncode == code, words + output
        assert "Traceback" not in words
        assert list(self.temporary.iterdir()) == []
        return decode(self.file.read_bytes()), output


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    return Simulator(tmp_path)


def assert_whole(report: Report, chunks: int) -> None:
    """Everything was acknowledged, is there, and has its receipt."""
    assert report.passed
    assert (report.total_chunks, report.acked, report.lost) == (chunks, chunks, 0)
    assert report.success_rate == 1.0
    assert report.latency.samples == chunks
    assert report.receipts.asked == report.receipts.valid > 0
    assert report.duplicates.stored_twice == 0
    assert report.verification.rows_compared == chunks
    assert report.errors == {}


def test_the_originals_command_line_gives_a_whole_report(simulator: Simulator) -> None:
    page = simulator.folder / "page.html"
    report, output = simulator.run(
        "--chunks=20", "--fast", "--userId=test-user", "--html", str(page)
    )
    assert_whole(report, 20)
    assert "0 of 20 lost" in output
    assert "1 of 1 receipts valid" in output
    assert (report.load.pace, report.load.user_id, report.load.chunk_kind) == (
        "fast", "test-user", "opus",
    )  # fmt: skip
    assert report.memory is not None
    assert report.memory.peak_bytes > 10_000_000
    assert report.disk is not None
    assert report.disk.segments_bytes >= report.throughput.bytes
    assert report.server.cpu_us_per_chunk is not None
    assert "<svg" in page.read_text(encoding="utf-8")


def test_connections_that_are_cut_lose_nothing(simulator: Simulator) -> None:
    report, _ = simulator.run(
        "--chunks", "20", "--fast", "--sessions", "4", "--drop-network", *SMALL
    )
    assert_whole(report, 80)
    assert report.connections.cut == 12
    assert report.connections.made == 16
    assert report.duplicates.sent_again >= 1


def test_chunks_that_are_sent_twice_are_stored_once(simulator: Simulator) -> None:
    report, _ = simulator.run("--chunks", "20", "--flood", "--sessions", "3", "--replay", *SMALL)
    assert_whole(report, 60)
    assert report.duplicates.sent_again == report.duplicates.acked_as_duplicates == 12


def test_a_herd_of_connections_comes_back(simulator: Simulator) -> None:
    report, _ = simulator.run("--chunks", "20", "--fast", "--reconnect-herd", "40", *SMALL)
    assert_whole(report, 800)
    herd = report.herd
    assert herd is not None
    assert herd.size == herd.back == 40
    assert herd.sending == herd.to_send > 0
    assert herd.connects_per_s_peak >= 1
    assert herd.seconds_until_all_connected is not None


@pytest.mark.takes(20)
def test_a_slow_disk_shows_backpressure_and_flat_memory_and_loses_nothing(
    simulator: Simulator,
) -> None:
    report, _ = simulator.run("--overload", "--chunks", "500")
    assert_whole(report, 2000)
    assert report.backpressure.told > 0
    assert report.backpressure.seconds > 0
    assert report.memory is not None
    grown = report.memory.peak_bytes - report.memory.start_bytes
    assert grown < report.throughput.bytes / 3
    names = {limit.name for limit in report.limits}
    assert {"told_to_hold_at_least", "rss_growth_mb_at_most"} <= names


def test_an_open_loop_is_shared_by_processes(simulator: Simulator) -> None:
    report, _ = simulator.run(
        "--sessions", "20", "--rate", "40", "--seconds", "3", "--processes", "2", *SMALL
    )
    assert_whole(report, report.total_chunks)
    assert 100 <= report.total_chunks <= 140
    assert report.generator.processes == 2


def test_limits_that_are_passed_end_with_1(simulator: Simulator) -> None:
    limits = ("--max-p99", "0.001", "--max-rss", "1")
    report, output = simulator.run("--chunks", "3", "--flood", *limits, *SMALL, code=1)
    assert report.lost == 0
    assert not report.passed
    assert [limit.name for limit in report.limits if not limit.held] == [
        "latency_p99_ms_at_most",
        "rss_peak_mb_at_most",
    ]
    assert "FAILED" in output


def test_somebodys_server_is_opened_by_the_token_from_the_environment(
    simulator: Simulator, tmp_path: Path
) -> None:
    with ServerProcess(tmp_path / "data") as server:
        report, output = simulator.run(
            "--url", server.url, "--server-pid", str(server.pid), "--chunks", "5", "--flood",
            "--verify", "full", *SMALL, SCRIBE_TOKEN=server.token,
        )  # fmt: skip
        assert server.token not in output + simulator.file.read_text(encoding="utf-8")
        assert_whole(report, 5)
        assert report.verification.bodies_hashed == 5
        assert report.server.server_id == server.server_id
        assert report.memory is not None
        assert report.disk is not None
        refused, words = simulator.start("--url", server.url, "--chunks", "1").communicate()
        assert refused == ""
        assert "unauthorized" in words
        assert "Traceback" not in words


def test_a_server_that_dies_meanwhile_is_told(simulator: Simulator, tmp_path: Path) -> None:
    arguments = ("--drain", "1", "--sessions", "3", "--chunks", "20", "--fast", *SMALL)
    with (
        ServerProcess(tmp_path / "data") as server,
        simulator.start("--url", server.url, *arguments, SCRIBE_TOKEN=server.token) as process,
    ):
        wait_until(
            lambda: list((server.data_dir / "segments").glob("*.seg")),
            timeout_s=30,
            what="a stored chunk",
        )
        server.kill()
        _, words = process.communicate(timeout=170)
    assert process.returncode == 1
    assert "nothing was acknowledged for 1 s" in words
    assert "cannot be asked" in words
    assert "Traceback" not in words


def test_ctrl_c_leaves_neither_folder_nor_process(simulator: Simulator) -> None:
    with simulator.start("--sessions", "3", *SMALL) as process:
        children = wait_until(
            lambda: [
                child
                for child in psutil.Process(process.pid).children()
                if "loadtest-worker" in child.cmdline()
            ],
            timeout_s=30,
            what="a worker",
        )
        children += psutil.Process(process.pid).children(recursive=True)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        output, words = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "no report" in words
    assert "Traceback" not in words
    assert output == ""
    assert not simulator.file.exists()
    assert list(simulator.temporary.iterdir()) == []
    assert not any(child.is_running() for child in children)


def lose_a_chunk(server: ServerProcess) -> None:
    """Take one row out behind the server's back."""
    with sqlite3.connect(server.data_dir / "scribe.sqlite3") as connection:
        gone = connection.execute("DELETE FROM chunks WHERE sequence = 3").rowcount
    connection.close()
    assert gone == 1


def damage_a_chunk(server: ServerProcess) -> None:
    """Flip a byte on the disk, in the middle of what it holds of one chunk."""
    with sqlite3.connect(server.data_dir / "scribe.sqlite3") as connection:
        found = connection.execute('SELECT "offset" + size / 2 FROM chunks WHERE sequence = 3')
        (position,) = found.fetchone()
    connection.close()
    (segment,) = (server.data_dir / "segments").glob("*.seg")
    with segment.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xFF]))


@pytest.mark.parametrize("tamper", [lose_a_chunk, damage_a_chunk])
def test_a_chunk_that_the_server_lost_after_all_is_found_and_ends_with_1(
    tamper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ServerProcess(tmp_path / "data") as server:

        class Late(Verifier):
            async def verify(self, sessions: Sequence[Any], bodies: Any) -> Proof:
                tamper(server)
                return await super().verify(sessions, bodies)

        monkeypatch.setattr(module, "Verifier", Late)
        file = tmp_path / "report.json"
        arguments = ["--url", server.url, "--chunks", "10", "--flood", *SMALL, "--json", str(file)]
        result = CliRunner().invoke(loadtest, arguments, env={"SCRIBE_TOKEN": server.token})
    assert result.exit_code == 1, result.output
    report = decode(file.read_bytes())
    assert (report.acked, report.lost, report.passed) == (10, 1, False)
    assert "1 of 10 lost" in result.output
    assert "NOT HELD: lost_at_most 0 (it was 1)" in result.output
