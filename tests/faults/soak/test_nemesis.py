"""The nemesis follows its seed, spares the end, and lets memory be measured."""

import random
from itertools import pairwise

from tests.faults.soak.nemesis import BEGINS_S, ENDS_BEFORE_S, Fault, steps

HOUR = 3600.0


def test_the_same_seed_gives_the_same_faults() -> None:
    first, again = (list(steps(random.Random(5), HOUR)) for _ in range(2))
    assert first == again
    assert first != list(steps(random.Random(6), HOUR))


def test_every_fault_happens_several_times_in_an_hour() -> None:
    found = [step.fault for step in steps(random.Random(5), HOUR)]
    assert all(found.count(fault) >= 4 for fault in Fault)


def test_they_follow_each_other_and_leave_the_end_alone() -> None:
    found = list(steps(random.Random(5), HOUR))
    assert found[0].at_s == BEGINS_S
    for step, later in pairwise(found):
        assert step.at_s + step.lasts_s < later.at_s
    assert found[-1].at_s + found[-1].lasts_s <= HOUR - ENDS_BEFORE_S


def test_whose_memory_is_watched_lives_through_the_second_half() -> None:
    later = {step.fault for step in steps(random.Random(5), HOUR) if step.at_s >= HOUR / 2}
    assert later
    assert not later & {Fault.KILL_SERVER, Fault.KILL_CLIENTS}
