"""`scribe selftest` as a person runs it, and that it finds a server which loses what it acked."""

import sys
import threading
from pathlib import Path

import pytest

from scribe_desktop import local_server
from scribe_desktop.selftest.run import selftest
from tests.parts.desktop import Desktop

pytestmark = [pytest.mark.real, pytest.mark.takes(10)]


def test_every_fault_happens_and_nothing_is_lost(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    desktop = Desktop(tmp_path / "home", {"TMPDIR": str(temporary)})
    found = desktop.run("selftest", json=True).json
    assert [step["name"] for step in found["steps"]] == [
        "duplicates", "reordered chunks", "cut link", "killed server", "full disk",
    ]  # fmt: skip
    assert all(step["ok"] and step["affected"] > 0 for step in found["steps"]), found
    recovered = [step["recoveryMs"] for step in found["steps"]]
    assert recovered[:2] == [None, None]
    assert all(took is not None for took in recovered[2:])
    evidence = {name: value for step in found["steps"] for name, value in step["evidence"].items()}
    assert evidence["sentTwice"] == evidence["knownToServer"]
    assert evidence["killed"] != evidence["successor"]
    assert evidence["connectionsBroken"] >= 1
    assert evidence["refused"] >= 1
    assert found["recorded"] == found["onServer"] > 0
    assert (found["lost"], found["receiptsValid"]) == (0, found["recordings"])
    assert list(temporary.iterdir()) == []
    assert list(desktop.home.iterdir()) == []


@pytest.mark.logs_errors  # the server's end says that it was killed
def test_a_server_that_loses_an_acknowledged_chunk_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    losing = [sys.executable, "-m", "tests.parts.losing_server"]
    monkeypatch.setattr(local_server, "server_command", lambda: losing)
    run = selftest({}, lambda _: None, threading.Event().wait, patience_s=2.0)
    assert not run.report.ok
    assert run.report.totals.lost == 1
    assert run.report.totals.receipts == 0
    assert run.evidence is not None
    assert (run.evidence / "report.json").is_file()
    assert (run.evidence / "logs" / "server.log").is_file()
