"""The page says what held, what did not, and what could not run."""

from tests.faults import report
from tests.faults.drill import Drill, Outcome, Round
from tests.faults.results import Result, Results, failed, held
from tests.faults.soak.run import Soaked
from tests.faults.soak.watching import Growth


def never(round_: Round) -> Outcome:
    raise AssertionError(round_)


DRILLS = [
    Drill("kill", "Processes", "kill -9", 50, never),
    Drill("cut", "Network", "a cut", 20, never),
    Drill("hole", "Network", "a hole", 20, never),
]
HELD = held("kill", Outcome(50, 1234, (20, 1500, 40), "a note"), 7, 61.2, "2026-01-02")
NOT_HERE = failed("cut", "not run here", "needs TUN", 7, 1, "2026-01-02")
VIOLATED = failed("hole", "violated", "Traceback\nViolatedError: lost", 7, 1, "2026-01-02")


def page(*found: Result, soaked: Soaked | None = None) -> str:
    return report.render(DRILLS, Results("a machine", found), soaked)


def test_a_drill_that_held_has_its_figures() -> None:
    line = next(line for line in page(HELD).splitlines() if line.startswith("| kill -9 "))
    assert line == (
        "| kill -9 | 50 | 1 234 | held | 40 ms, 1.5 s | 2026-01-02 | `make drills ONLY=kill` |"
    )
    assert "- kill -9: a note" in page(HELD)
    assert "1 drills, 50 faults, 1 234 chunks compared: all invariants held." in page(HELD)


def test_a_broken_promise_stands_at_the_top() -> None:
    text = page(HELD, VIOLATED)
    assert "**1 of them broke an invariant**" in text
    assert "- a hole: ViolatedError: lost" in text


def test_what_could_not_run_says_why() -> None:
    text = page(HELD, NOT_HERE)
    assert "- a cut: needs TUN" in text
    assert "all invariants held" in text


def test_nothing_is_claimed_before_a_run() -> None:
    text = page()
    assert "No drill has been run yet." in text
    assert text.count("not run yet") == len(DRILLS)
    assert "Not run yet." in text


def test_the_long_run_has_its_section() -> None:
    growth = Growth("the server", 30.0, 90.0, 0.456, 120, 0.0)
    soaked = Soaked(60, 100, 5, {"a cut": 3}, 12_000, 48_000, 0, [12, 400], [growth], "2026-01-02")
    text = page(HELD, soaked=soaked)
    assert "| a cut | 3 |" in text
    assert "12 000 chunks compared with their source, 0 lost." in text
    assert "at most 400 ms" in text
    assert "- The server: 90 MB, +0.46 %/h; 120 descriptors" in text


def test_the_command_line_says_the_same_in_one_line() -> None:
    assert report.line(HELD) == (
        "held: kill: 50 times, 1234 chunks, recovery 40 ms, at worst 1.5 s (61 s, seed 7)"
    )
    assert report.line(NOT_HERE).startswith("not run here: cut (seed 7): needs TUN")
