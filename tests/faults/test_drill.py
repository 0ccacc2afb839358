import random
from pathlib import Path

import pytest

from tests.faults.drill import Round, ViolatedError, must_hold


def test_what_a_part_of_a_round_has_made_is_undone_at_its_end(tmp_path: Path) -> None:
    undone: list[str] = []
    round_ = Round(tmp_path, random.Random(1), times=3, quick=True)
    with round_.cleanup:
        round_.cleanup.callback(undone.append, "round")
        with round_.within("a-part") as part:
            part.cleanup.callback(undone.append, "part")
            assert (part.folder, part.times, part.quick) == (tmp_path / "a-part", 3, True)
            assert part.folder.is_dir()
        assert undone == ["part"]
    assert undone == ["part", "round"]


def test_what_does_not_hold_is_a_violation_in_these_words() -> None:
    must_hold([1], "nothing was found")
    with pytest.raises(ViolatedError, match="nothing was found"):
        must_hold([], "nothing was found")
