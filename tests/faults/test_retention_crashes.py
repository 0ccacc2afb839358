"""A process ends at each named point of retention, and the next one goes on: nothing is lost."""

import json
import subprocess
import sys

import pytest

from tests.faults.retention_crashes import POINTS
from tests.parts.processes import REPOSITORY

pytestmark = [pytest.mark.real, pytest.mark.takes(15)]


def drilled(*names: str) -> tuple[dict[str, str], str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.retention_crashes", *names],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found, done.stderr


def test_retention_that_is_ended_anywhere_loses_nothing_and_comes_to_its_end() -> None:
    found, words = drilled(*POINTS)
    assert found == {}, words


def test_hot_bytes_that_go_before_their_archive_has_a_row_are_noticed() -> None:
    found, words = drilled("bug")
    assert found == {"bug": "it ended with 1"}
    assert "is lost" in words
