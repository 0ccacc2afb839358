import sys
import threading
from pathlib import Path

import pytest

from scribe_desktop.local_server import (
    LONGEST_DELAY_S,
    MAX_LOG_BYTES,
    LocalEndpoint,
    LocalServer,
    delay_after,
    server_command,
)
from tests.parts.processes import wait_until

GOOD = """
import json, os, sys
token = sys.stdin.readline().strip()
print(json.dumps({"url": "http://127.0.0.1:1", "pid": os.getpid(), "serverId": "s"}), flush=True)
print(len(token), sorted(os.environ), sys.argv[1:], file=sys.stderr, flush=True)
sys.stdin.read()
print("stdin ended", file=sys.stderr, flush=True)
"""
DIES_ONCE = (
    """
import pathlib, sys
mark = pathlib.Path(sys.argv[2]).with_name("was-here")
if not mark.exists():
    mark.touch()
    sys.exit("no luck")
"""
    + GOOD
)
SILENT = "import sys; sys.stdin.read()"


class Watch:
    def __init__(self, folder: Path, program: str, *, start_timeout_s: float = 20) -> None:
        self.log = folder / "server.log"
        self.endpoints: list[LocalEndpoint | None] = []
        self.up = threading.Event()
        script = folder / "child.py"
        script.write_text(program)
        self.server = LocalServer(
            data_dir=folder / "data",
            log_file=self.log,
            on_endpoint=self._note,
            environ={"PATH": "/usr/bin", "DATABASE_URL": "postgres://", "SCRIBE_TOKEN": "x"},
            command=[sys.executable, str(script)],
            start_timeout_s=start_timeout_s,
        )

    def _note(self, endpoint: LocalEndpoint | None) -> None:
        self.endpoints.append(endpoint)
        if endpoint is not None:
            self.up.set()


def test_the_endpoint_is_told_and_the_end_of_stdin_ends_the_child(tmp_path: Path) -> None:
    watch = Watch(tmp_path, GOOD)
    watch.server.start()
    assert watch.up.wait(20)
    watch.server.stop()
    watch.server.stop()
    first, last = watch.endpoints
    assert first is not None
    assert (first.origin, first.server_id, last) == ("http://127.0.0.1:1", "s", None)
    assert "stdin ended" in watch.log.read_text()


def test_the_token_goes_through_stdin_and_is_shown_nowhere(tmp_path: Path) -> None:
    watch = Watch(tmp_path, GOOD)
    watch.server.start()
    assert watch.up.wait(20)
    watch.server.stop()
    endpoint = watch.endpoints[0]
    assert endpoint is not None
    assert endpoint.token.startswith("scribe_")
    assert endpoint.token not in repr(endpoint)
    log = watch.log.read_text()
    assert endpoint.token not in log
    assert log.startswith(str(len(endpoint.token)))


def test_the_child_gets_only_the_environment_that_is_for_it(tmp_path: Path) -> None:
    watch = Watch(tmp_path, GOOD)
    watch.server.start()
    assert watch.up.wait(20)
    watch.server.stop()
    log = watch.log.read_text()
    assert "'PATH'" in log
    assert "DATABASE_URL" not in log
    assert "SCRIBE_TOKEN" not in log
    assert "'--data-dir'" in log
    assert "'--child'" in log


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    watch = Watch(tmp_path, DIES_ONCE)
    watch.server.start()
    assert watch.up.wait(20)
    assert watch.server.failure == ""
    watch.server.stop()
    assert "no luck" in watch.log.read_text()


def test_a_child_that_says_nothing_is_ended_and_the_failure_told(tmp_path: Path) -> None:
    watch = Watch(tmp_path, SILENT, start_timeout_s=0.2)
    watch.server.start()
    failure = wait_until(lambda: watch.server.failure, timeout_s=20, what="the failure")
    watch.server.stop()
    assert "did not begin to listen" in failure
    assert watch.endpoints == []


def test_a_program_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    server = LocalServer(
        data_dir=tmp_path, log_file=tmp_path / "log", on_endpoint=lambda _: None, environ={},
        command=[str(tmp_path / "no-such-program")],
    )  # fmt: skip
    server.start()
    assert wait_until(lambda: server.failure, timeout_s=20, what="the failure")
    server.stop()
    assert "cannot be run" in server.failure


def test_a_long_log_is_put_aside(tmp_path: Path) -> None:
    watch = Watch(tmp_path, GOOD)
    watch.log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    watch.server.start()
    assert watch.up.wait(20)
    watch.server.stop()
    assert watch.log.stat().st_size < MAX_LOG_BYTES
    assert (tmp_path / "server.log.1").exists()


def test_the_waits_double_up_to_a_limit() -> None:
    assert [delay_after(n) for n in range(4)] == [0.5, 1, 2, 4]
    assert delay_after(10_000) == LONGEST_DELAY_S


def test_a_frozen_build_uses_the_program_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert server_command() == [sys.executable, "-m", "scribe_server"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/scribe/scribe")
    assert server_command() == ["/opt/scribe/scribe-server"]
