"""What strangers may try against a running server, while a good client gets all its acks.

The attacks are in tests/faults/attacks/: each says itself which reaction is right.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.attacks.catalogue import ATTACKS
from tests.faults.attacks.running import Attack, Outcome, run_attacks, run_corpus, warm_up
from tests.faults.attacks.serving import attacked_server
from tests.faults.attacks.target import Target
from tests.parts.rest import rest

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

AT_ONCE = [attack for attack in ATTACKS if not attack.waits]
WAITING = [attack for attack in ATTACKS if attack.waits]
MOST_GROWTH = 100_000_000
"""Bytes: the 64 MiB that may be on their way in, and what an allocator keeps for later."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One server for all attacks of a worker."""
    with attacked_server(tmp_path_factory.mktemp("attacked") / "data") as attacked:
        asyncio.run(warm_up(attacked))
        yield attacked


def assert_harmless(outcome: Outcome) -> None:
    """The memory is bounded; everything else was asserted while it ran."""
    before, after = outcome.before.memory, outcome.after.memory
    print(
        f"{outcome.name}: {outcome.tried} tried, {len(outcome.acks_s)} acks to the good client, the"
        f" slowest after {max(outcome.acks_s) * 1000:.0f} ms; memory {before} to {after} bytes"
    )
    assert outcome.tried > 0
    assert after - before < max(before / 5, MOST_GROWTH)


@pytest.mark.parametrize("attack", AT_ONCE, ids=lambda attack: attack.name)
def test_an_attack_is_answered_as_it_should_be_and_harms_nobody(
    attack: Attack, target: Target
) -> None:
    assert_harmless(asyncio.run(run_attacks(target, [attack])))


@pytest.mark.takes(25)
def test_slow_and_silent_strangers_are_not_waited_for(tmp_path: Path) -> None:
    with attacked_server(tmp_path / "data") as attacked:
        (outcome,) = run_corpus(attacked, WAITING)
    assert_harmless(outcome)


def test_an_attack_that_gets_what_it_wants_is_told(target: Target) -> None:
    async def opens_a_session(attacked: Target) -> int:
        assert rest(attacked.url, "/api/sessions", token=attacked.bad).status == 404
        return 1

    with pytest.raises(AssertionError, match="200 == 404"):
        asyncio.run(run_attacks(target, [Attack("opens a session", opens_a_session)]))
