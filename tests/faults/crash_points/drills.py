"""One drill: prepare, die, start again, judge."""

import shutil
from pathlib import Path

from tests.faults.crash_points import wrecks
from tests.faults.crash_points.befalling import BETWEEN
from tests.faults.crash_points.judging import judge_delivery, judge_recording
from tests.faults.crash_points.nursery import Nursery
from tests.faults.crash_points.points import CRASHED, Life, Point
from tests.faults.crash_points.table import POINTS

_TOGETHER = {Life.CLIENT, Life.SERVER}


def drill(nursery: Nursery, folder: Path, point: Point, bug: str = "") -> list[str]:
    """End a process at a point (and before it one at `point.after`); the points, in order.

    Raises:
        AssertionError: the point was not reached, or something is lost.
    """
    first = POINTS[point.after] if point.after else point
    crashes = [first] if first is point else [first, point]
    if first.life in wrecks.PREPARED:
        wrecks.PREPARED[first.life](folder)
    if first.life in _TOGETHER and not first.at_first_start:
        shutil.copytree(nursery.empty, folder, dirs_exist_ok=True)
    for each in crashes:
        if each.between:
            BETWEEN[each.between](folder)
        code = nursery.live(folder, each.life, each.name, bug)
        assert code == CRASHED, f"{each.name!r} was not reached: {code}"
    if first.life in _TOGETHER:
        judge_delivery(folder, at_end=False)
        _must_end_well(nursery, folder, first.life, bug)
        judge_delivery(folder, at_end=True)
    elif first.life is Life.RECORD:
        _must_end_well(nursery, folder, Life.RECOVER, bug)
        judge_recording(folder)
    else:
        _must_end_well(nursery, folder, first.life, bug)
        wrecks.JUDGED[first.life](folder)
    return [each.name for each in crashes]


def _must_end_well(nursery: Nursery, folder: Path, life: Life, bug: str) -> None:
    assert nursery.live(folder, life, bug=bug) == 0
