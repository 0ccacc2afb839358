from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.library import export
from scribe_desktop.paths import Paths
from tests.parts.filled_spool import add_session, session_id_of, spool_in

Scribe = Callable[..., Any]
ONE = session_id_of(1)


def test_a_prefix_is_exported_with_progress(
    scribe: Scribe, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_spool: Any, session_id: str, fmt: str, output: Path, *, progress: Any) -> int:
        asked.append((session_id, fmt, output))
        progress(1, 1)
        return 96_000

    asked: list[tuple[str, str, Path]] = []
    monkeypatch.setattr(export, "export_session", write)
    with closing(spool_in(paths.spool_dir)) as spool:
        add_session(spool, ONE, chunks=1)
    output = tmp_path / "out.flac"
    said = scribe("export", ONE[:9], "--format", "flac", "--output", str(output), "--json")
    assert said.json == {
        "sessionId": ONE, "output": str(output), "samples": 96_000, "seconds": 2.0,
    }  # fmt: skip
    assert asked == [(ONE, "flac", output)]


def test_without_recordings_there_is_nothing_to_export(scribe: Scribe, tmp_path: Path) -> None:
    said = scribe("export", "abc", "--format", "wav", "--output", str(tmp_path / "x"))
    assert said.code == 2
    assert "no recordings" in said.err


def test_an_unknown_format_is_refused(scribe: Scribe, tmp_path: Path) -> None:
    assert scribe("export", "a", "--format", "mp3", "--output", str(tmp_path / "x")).code == 2
