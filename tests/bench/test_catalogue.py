from pathlib import Path

import pytest

from tests.bench import catalogue
from tests.bench.__main__ import HERE, parse


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_every_benchmark_can_be_run(name: str) -> None:
    assert callable(catalogue.benchmark(name))


def test_a_quick_run_leaves_out_but_invents_nothing() -> None:
    assert set(catalogue.QUICK) < set(catalogue.NAMES)


def test_every_module_that_measures_is_in_the_catalogue() -> None:
    measuring = {
        path.stem
        for path in HERE.glob("*.py")
        if "def run(bench: Bench) -> Result:" in path.read_text(encoding="utf-8")
        and not path.stem.startswith("test_")
    }
    assert measuring == set(catalogue.NAMES)


def test_a_folder_in_memory_is_refused_with_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tests.bench.machine.file_system", lambda _: ("tmpfs", "tmpfs"))
    with pytest.raises(SystemExit) as ended:
        parse(["--folder", str(tmp_path)])
    assert ended.value.code == 2
    assert "name one on a disk" in capsys.readouterr().err


def test_a_folder_without_room_is_refused_with_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.bench.__main__.FREE_BYTES", 1 << 60)
    with pytest.raises(SystemExit) as ended:
        parse(["--folder", "."])
    assert ended.value.code == 2
    assert "name another folder" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--only", "nothing"], ["--folder", "no/such/folder"]])
def test_what_does_not_fit_ends_with_exit_code_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 2


def test_a_quick_run_does_not_touch_the_documentation() -> None:
    full, quick = parse([]), parse(["--quick"])
    assert full.output.name == "docs"
    assert quick.output.parts[-2:] == ("run", "bench-quick")
