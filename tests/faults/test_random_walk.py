"""Desktop, wire and server under every fault at once, some thousand steps: nothing is lost."""

import os
from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.model.machine import RandomWalk

WALKS = int(os.environ.get("SCRIBE_TEST_WALKS", "60"))
STEPS = 40
SOMETHING_OF_EACH = (
    *("promised", "acked", "receipts", "copies", "dropped", "lost", "doubled", "client_crashes"),
    *("server_crashes", "backups", "foreign", "deleted", "compared"),
)


MORE = 6
"""Further rounds of walks at most, until everything has happened that a walk is for."""


@pytest.mark.timeout(300)
@pytest.mark.takes(20)
def test_a_random_walk_loses_nothing_and_converges(seed: int) -> None:
    seen: Counter[str] = Counter()
    for number in range(1 + MORE):
        walk(seed + number, WALKS if number == 0 else WALKS // 4, seen)
        if all(seen[what] for what in SOMETHING_OF_EACH):
            break
    print(dict(seen))
    assert all(seen[what] for what in SOMETHING_OF_EACH), seen


def walk(seed: int, walks: int, counts: Counter[str]) -> None:
    """So many walks by this seed; what has happened is counted."""

    @seeded(seed)
    class Walk(RandomWalk):
        seen: ClassVar[Counter[str]] = counts

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=walks,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            # A failing walk is repeated by its seed; making it small takes minutes.
            phases=[Phase.generate],
        ),
    )
