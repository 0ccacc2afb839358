"""Attacks against a running server, one after the other or together, and what came of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.faults.attacks.good_client import recording
from tests.faults.attacks.target import TRACEBACK, Health, Target, settled

Run = Callable[[Target], Awaitable[int]]
"""Attacks; gives how many hostile things it has done.

Raises:
    AssertionError: the server did not react as it has to.
"""


@dataclass(frozen=True)
class Attack:
    """A named attack; `waits`: it mostly waits for the server to lose its patience."""

    name: str
    run: Run
    waits: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one attack: the hostile things done, the good client's acks, the health."""

    name: str
    tried: int
    acks_s: tuple[float, ...]
    before: Health
    after: Health


async def run_attacks(target: Target, attacks: Sequence[Attack]) -> Outcome:
    """Run attacks at the same time while a good client is served; the server must be well after.

    Raises:
        AssertionError: a wrong reaction, a chunk of the good client that is lost, a descriptor or
            a socket that stays, a traceback in the log.
    """
    before = await asyncio.to_thread(Health.of, target)
    async with recording(target) as client:
        tried = await asyncio.gather(*(attack.run(target) for attack in attacks))
    after = await asyncio.to_thread(settled, target, before)
    assert TRACEBACK not in target.log(), target.log()
    name = ", ".join(attack.name for attack in attacks)
    return Outcome(name, sum(tried), tuple(client.acks_s), before, after)


async def warm_up(target: Target) -> None:
    """Let the server open what it keeps open: connections to its database, a segment."""
    async with recording(target):
        await asyncio.sleep(0.2)


def run_corpus(target: Target, attacks: Iterable[Attack]) -> list[Outcome]:
    """Run those that wait together, and the others one by one.

    Raises:
        AssertionError: see run_attacks.
    """
    asyncio.run(warm_up(target))
    every = list(attacks)
    groups = [[attack] for attack in every if not attack.waits]
    if waiting := [attack for attack in every if attack.waits]:
        groups.append(waiting)
    return [asyncio.run(run_attacks(target, group)) for group in groups]
