import os
from pathlib import Path

import pytest

from scribe_server.loadtest import slow
from scribe_server.loadtest.slow import SlowFiles


def test_a_slow_disk_waits_and_then_does_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    synced: list[int] = []
    monkeypatch.setattr(slow.time, "sleep", waits.append)
    monkeypatch.setattr(os, "fdatasync", synced.append)
    files = SlowFiles(0.5)
    descriptor = files.open(tmp_path / "x")
    files.sync(descriptor)
    files.close(descriptor)
    assert (waits, synced) == ([0.5], [descriptor])
