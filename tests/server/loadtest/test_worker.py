import json
import os
import resource
import subprocess
import sys

import msgspec
import pytest

from scribe_server.loadtest.crew import WORKER_COMMAND
from scribe_server.loadtest.job import Behaviour, Job
from scribe_server.loadtest.worker import _lines, raise_descriptor_limit
from tests.parts.loadtest import plan
from tests.parts.processes import REPOSITORY


def worker(line: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "scribe_server", WORKER_COMMAND],
        input=line,
        cwd=REPOSITORY,
        capture_output=True,
        timeout=25,
        check=False,
    )


def test_lines_are_read_whole_however_they_arrive() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"one\ntw")
    lines = _lines(reader)
    assert next(lines) == b"one"
    os.write(writer, b"o\nthree\nhalf")
    os.close(writer)
    assert list(lines) == [b"two", b"three"]
    os.close(reader)


def test_a_worker_without_a_job_ends() -> None:
    assert worker(b"").returncode == 1


def test_a_server_that_is_not_there_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = Job("http://127.0.0.1:9", None, None, plan(), Behaviour(), [], 0, 1, 500.0, 60.0)
    with subprocess.Popen(
        [sys.executable, "-m", "scribe_server", WORKER_COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(msgspec.json.encode(job) + b"\n")
        child.stdin.flush()
        said = [json.loads(line) for line in child.stdout]
    assert child.returncode == 1
    assert said[-1]["type"] == "Failed"
    assert "unreachable" in said[-1]["message"]


def test_the_descriptor_limit_is_the_systems() -> None:
    raise_descriptor_limit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard
