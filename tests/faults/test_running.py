"""Drills run in processes of their own; how each ends is told, whatever it does."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import running
from tests.faults.drill import Drill, NotHereError, Outcome, Round, must_hold
from tests.faults.results import Result


def holds(round_: Round) -> Outcome:
    (round_.folder / "undone").touch()
    round_.cleanup.callback((round_.folder.parent / "cleaned").touch)
    return Outcome(round_.times, 7, (30, 10, 20), f"chance {round_.rng.random()}")


def breaks(round_: Round) -> Outcome:
    round_.cleanup.callback((round_.folder.parent / "cleaned").touch)
    must_hold(round_.times == 0, "a chunk is lost")
    return Outcome(0, 0)


def is_forbidden(round_: Round) -> Outcome:
    raise NotHereError("needs a moon")


def hangs(round_: Round) -> Outcome:
    round_.cleanup.callback((round_.folder.parent / "cleaned").touch)
    time.sleep(60)
    return Outcome(1, 1)


def dies(round_: Round) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(1, 1)


def drill(run: running.Callable[[Round], Outcome]) -> Drill:
    return Drill(run.__name__, "Tests", "nothing", 5, run)


def find(name: str) -> Drill:
    """The drill whose function's name it begins with."""
    return drill(globals()[name.split("-", maxsplit=1)[0]])


def run_one(tmp_path: Path, one: Drill, *, quick: bool = False, times: int | None = None) -> Result:
    told: list[Result] = []
    plan = running.Plan([one], 3, quick, times, tmp_path, jobs=2, find=find)
    assert running.run_all(plan, told.append) == told
    assert len(told) == 1
    return told[0]


def test_a_drill_that_holds_tells_how_often_and_how_fast(tmp_path: Path) -> None:
    result = run_one(tmp_path, drill(holds))
    assert (result.state, result.injected, result.chunks) == ("held", 5, 7)
    assert result.recovery_ms == (20, 30)
    assert [path.name for path in tmp_path.iterdir()] == ["cleaned"]


def test_a_quick_run_injects_less(tmp_path: Path) -> None:
    assert run_one(tmp_path, drill(holds), quick=True).injected == 2
    assert run_one(tmp_path, drill(holds), times=9).injected == 9


def test_the_same_seed_gives_the_same_chance(tmp_path: Path) -> None:
    first, again = (run_one(tmp_path, drill(holds)) for _ in range(2))
    assert first.note == again.note
    assert running.seed_of(3, "a-drill") != running.seed_of(3, "another")


def test_a_broken_promise_is_told_and_its_folder_kept(tmp_path: Path) -> None:
    result = run_one(tmp_path, drill(breaks))
    assert result.state == "violated"
    assert "a chunk is lost" in result.note
    assert (tmp_path / "cleaned").exists()
    assert len(list(tmp_path.glob("breaks-*"))) == 1


def test_what_the_machine_forbids_is_told(tmp_path: Path) -> None:
    result = run_one(tmp_path, drill(is_forbidden))
    assert (result.state, result.note) == ("not run here", "needs a moon")


def test_a_drill_that_hangs_is_ended_and_cleaned_up(tmp_path: Path) -> None:
    result = run_one(tmp_path, replace(drill(hangs), limit_s=0.5))
    assert result.state == "violated"
    assert "took too long" in result.note
    assert (tmp_path / "cleaned").exists()


def test_a_drill_that_dies_is_told(tmp_path: Path) -> None:
    result = run_one(tmp_path, drill(dies))
    assert (result.state, "died" in result.note) == ("violated", True)


@pytest.mark.parametrize("jobs", [1, 3])
def test_several_drills_all_end(tmp_path: Path, jobs: int) -> None:
    drills = [replace(drill(holds), name=f"holds-{number}") for number in range(4)]
    found = running.run_all(
        running.Plan(drills, 3, True, None, tmp_path, jobs, find), lambda _: None
    )
    assert sorted(result.name for result in found) == [one.name for one in drills]
