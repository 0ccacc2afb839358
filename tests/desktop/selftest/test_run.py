import json
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.errors import ScribeError
from scribe_desktop.paths import resolve_paths
from scribe_desktop.selftest import run
from scribe_desktop.selftest.report import Step, Totals

WHOLE = Totals(recorded=4, stored=4, recordings=1, receipts=1)


class FakeStage:
    """A stage whose App only notes what is asked of it."""

    calls: list[str] = []  # noqa: RUF012 - shared on purpose: the code under test makes the object
    refuses = False

    def __init__(self, folder: Path, _environ: Any, _relay: Any, **_: Any) -> None:
        self.paths = resolve_paths({"SCRIBE_HOME": str(folder)})
        self.app = self
        self.endpoint = "there"

    def start(self) -> None:
        self.calls.append("start")
        if self.refuses:
            raise ScribeError("No", "It does not start.", "Look.")

    def stop(self) -> None:
        self.calls.append("stop")

    def wait_started(self) -> None:
        self.calls.append("wait")

    @contextmanager
    def reading(self) -> Iterator[str]:
        yield "the spool"


def good(_: Any) -> Step:
    return Step("good", True, "Fine.")


def bad(_: Any) -> Step:
    raise ScribeError("No", "Nothing came.", "Look.")


@pytest.fixture(autouse=True)
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(run, "Stage", FakeStage)
    monkeypatch.setattr(run, "prove", lambda _spool, _endpoint: WHOLE)
    monkeypatch.setattr(FakeStage, "calls", [])
    monkeypatch.setattr(FakeStage, "refuses", False)


def play(monkeypatch: pytest.MonkeyPatch, **faults: Any) -> tuple[run.Run, list[str]]:
    monkeypatch.setattr(run, "FAULTS", faults)
    told: list[str] = []
    try:
        return run.selftest({}, lambda step: told.append(step.name), lambda _: False), told
    finally:
        assert not [each for each in logging.getLogger().handlers if "selftest" in str(each)]


def test_when_all_is_right_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, told = play(monkeypatch, good=good)
    assert done.report.ok
    assert (done.evidence, told, list(tmp_path.iterdir())) == (None, ["good"], [])
    assert FakeStage.calls == ["start", "wait", "stop"]


def test_the_first_failure_ends_it_and_the_evidence_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done, told = play(monkeypatch, good=good, bad=bad, never=good)
    assert not done.report.ok
    assert told == ["good", "bad"]
    assert done.report.missing == ("never",)
    assert done.report.steps[1] == Step("bad", False, "Nothing came. Look.")
    assert done.evidence is not None
    kept = json.loads((done.evidence / run.REPORT).read_text(encoding="utf-8"))
    assert (kept["ok"], kept["notTried"]) == (False, ["never"])
    assert (done.evidence / "logs").is_dir()


def test_a_scribe_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeStage, "refuses", True)
    done, told = play(monkeypatch, good=good)
    assert told == ["start"]
    assert done.report.steps[0].words == "It does not start. Look."
    assert done.report.missing == ("good",)


def test_a_proof_that_cannot_be_made_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_spool: Any, _endpoint: Any) -> Totals:
        raise ScribeError("No", "Nobody answers.")

    monkeypatch.setattr(run, "prove", fail)
    done, _ = play(monkeypatch, good=good)
    assert not done.report.ok
    assert done.report.totals.problems == ("Nobody answers.",)
