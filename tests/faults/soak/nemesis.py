"""What goes wrong when, drawn from a seed. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What the nemesis does."""

    KILL_SERVER = "kill -9 of the server"
    PAUSE_SERVER = "the server stopped (SIGSTOP)"
    CUT = "all connections reset"
    BLACK_HOLE = "a black hole"
    KILL_RECORDER = "kill -9 of a recorder"
    KILL_CLIENTS = "kill -9 of the other clients"
    PAUSE_CLIENTS = "the other clients stopped (SIGSTOP)"


LASTS_S = {
    Fault.KILL_SERVER: (0.0, 30.0),
    Fault.PAUSE_SERVER: (1.0, 20.0),
    Fault.CUT: (0.0, 20.0),
    Fault.BLACK_HOLE: (3.0, 60.0),
    Fault.KILL_RECORDER: (0.0, 5.0),
    Fault.KILL_CLIENTS: (0.0, 10.0),
    Fault.PAUSE_CLIENTS: (1.0, 20.0),
}
BEGINS_S = 20.0
PAUSES_S = (10.0, 35.0)
ENDS_BEFORE_S = 20.0


@dataclass(frozen=True)
class Step:
    """One fault: when it begins (seconds from the start) and how long it lasts."""

    at_s: float
    fault: Fault
    lasts_s: float


def steps(rng: random.Random, seconds: float) -> Iterator[Step]:
    """Faults one after the other until shortly before the end; each kind comes up as often.

    The server and the other clients are killed in the first half only: how the memory of a process
    grows can be seen only while it lives.
    """
    at = BEGINS_S
    bag: list[Fault] = []
    while True:
        if not bag:
            bag = rng.sample(list(Fault), len(Fault))
        fault = bag.pop()
        lasts = rng.uniform(*LASTS_S[fault])
        if at + lasts > seconds - ENDS_BEFORE_S:
            return
        if at < seconds / 2 or fault not in {Fault.KILL_SERVER, Fault.KILL_CLIENTS}:
            yield Step(at, fault, lasts)
            at += lasts + rng.uniform(*PAUSES_S)
