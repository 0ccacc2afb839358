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


@pytest.mark.timeout(120)
@pytest.mark.takes(20)
def test_a_random_walk_loses_nothing_and_converges(seed: int) -> None:
    @seeded(seed)
    class Walk(RandomWalk):
        seen: ClassVar[Counter[str]] = Counter()

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[
                Phase.generate
            ],  # a failing walk is repeated by its seed; making it small takes minutes,
        ),
    )
    print(dict(Walk.seen))
    assert all(Walk.seen[what] for what in SOMETHING_OF_EACH), Walk.seen
