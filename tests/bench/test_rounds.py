from pathlib import Path

import pytest

from tests.bench.rounds import Bench, in_turn


def bench_in(folder: Path, said: list[str]) -> Bench:
    return Bench("tiny", folder, said.append)


def test_contestants_take_turns(tmp_path: Path) -> None:
    order: list[str] = []

    def of(name: str) -> dict[str, float]:
        order.append(name)
        return {"place": float(len(order))}

    said: list[str] = []
    runs = in_turn(
        bench_in(tmp_path, said), {"a": lambda _: of("a"), "b": lambda _: of("b")}, rounds=2
    )

    assert order == ["a", "b", "a", "b"]
    assert runs == {"a": [{"place": 1}, {"place": 3}], "b": [{"place": 2}, {"place": 4}]}
    assert len(said) == 4


def test_each_run_has_a_fresh_folder_that_is_gone_afterwards(tmp_path: Path) -> None:
    seen: list[Path] = []

    def measure(folder: Path) -> dict[str, float]:
        assert list(folder.iterdir()) == []
        (folder / "data").write_bytes(b"x")
        seen.append(folder)
        return {"x": 1.0}

    in_turn(bench_in(tmp_path, []), {"a": measure, "b": measure}, rounds=2)

    assert len(set(seen)) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_contestant_that_fails_stops_the_benchmark(tmp_path: Path) -> None:
    def fail(_: Path) -> dict[str, float]:
        raise RuntimeError("did not start")

    with pytest.raises(RuntimeError, match="did not start"):
        in_turn(bench_in(tmp_path, []), {"a": fail}, rounds=1)


def test_the_size_of_the_run_picks_how_much_is_measured(tmp_path: Path) -> None:
    assert bench_in(tmp_path, []).pick(full=3, quick=2, tiny=1) == 1
