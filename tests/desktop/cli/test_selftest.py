from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.selftest import run
from scribe_desktop.selftest.report import Report, Step, Totals

Scribe = Callable[..., Any]

STEP = Step("cut link", True, "It was cut.", 3, 120)
WHOLE = Totals(recorded=4, stored=4, recordings=1, receipts=1)


def planted(monkeypatch: pytest.MonkeyPatch, totals: Totals, evidence: Path | None) -> list[Any]:
    given: list[Any] = []

    def selftest(environ: Any, tell: Any, pause: Any, *, patience_s: float) -> run.Run:
        given.append((environ, patience_s, pause(0)))
        tell(STEP)
        return run.Run(Report((STEP,), (), totals, 7.0), evidence)

    monkeypatch.setattr(run, "selftest", selftest)
    return given


def test_it_ends_with_0_when_everything_is_right(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    given = planted(monkeypatch, WHOLE, None)
    said = scribe("selftest")
    assert said.code == 0
    assert "ok    cut link: It was cut.\n" in said.out
    assert said.out.endswith("4 chunks recorded, 4 on the server, 0 lost; receipt valid (7 s).\n")
    assert given == [(environ, 30.0, False)]
    assert not Path(environ["SCRIBE_HOME"]).exists()


def test_it_ends_with_1_and_says_where_the_evidence_is(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    planted(monkeypatch, Totals(recorded=4, stored=3, recordings=1), tmp_path)
    said = scribe("selftest", "--json", "--patience", "2")
    assert said.code == 1
    assert (said.json["lost"], said.json["evidence"]) == (1, str(tmp_path))
    assert str(tmp_path) in said.err


def test_a_patience_of_nothing_is_refused(scribe: Scribe) -> None:
    assert scribe("selftest", "--patience", "0").code == 2
