from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.cli.program import run
from scribe_desktop.paths import Paths, resolve_paths
from tests.parts.desktop import parse_json
from tests.parts.fake_app_parts import Made


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return parse_json(self.out)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"SCRIBE_HOME": str(tmp_path / "home")}


@pytest.fixture
def paths(environ: dict[str, str]) -> Paths:
    return resolve_paths(environ)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Every App that a command starts gets fake parts; these."""
    made = Made()
    monkeypatch.setattr("scribe_desktop.app.app.Parts", made.parts)
    return made


@pytest.fixture
def scribe(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command in this process."""

    def call(*arguments: str) -> Said:
        code = run(arguments, environ)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call
