import asyncio
from typing import Any, Self

import pytest

from tests.bench.attacking import Attacks
from tests.bench.attacks import ATTACKED, QUIET, result
from tests.parts.raw_client import RawClient


def a_run(p50: float, p99: float, errors: float = 0.0) -> dict[str, float]:
    rest = {"p90": p99, "p999": p99, "cpu_share": 5.0, "peak_mb": 90.0, "attacks_s": 100.0}
    return {"p50": p50, "p99": p99, "errors": errors, "lost": 0.0, **rest}


RUNS = {
    QUIET: [a_run(1.0, 2.0), a_run(2.0, 4.0)],
    ATTACKED: [a_run(1.5, 8.0), a_run(3.0, 16.0, errors=1.0)],
}


def test_each_round_is_compared_with_the_one_beside_it() -> None:
    median, slowest, lost = result(RUNS).figures
    assert (median.measured.low, median.measured.high) == (1.5, 1.5)
    assert (slowest.measured.low, slowest.measured.high) == (4.0, 4.0)
    assert (median.reached, slowest.reached) == (True, True)
    assert (lost.measured.high, lost.reached) == (1.0, False)


class Victim:
    """A connection that notes what it is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def send(self, packet: Any) -> None:
        self.sent.append(packet)

    async def emit(self, event: str, payload: Any) -> None:
        self.sent.append((event, payload))

    async def expect(self, *_: str) -> None:
        pass

    async def ended(self, timeout_s: float = 30) -> bool:
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("name", "counter", "at_least"),
    [
        ("malformed", "packets", 1),
        ("wrong_fields", "fields", 18),
        ("random_frames", "frames", 5),
        ("wrong_token", "tokens", 1),
        ("say_nothing", "silent", 1),
    ],
)
def test_each_attack_sends_and_is_counted(
    monkeypatch: pytest.MonkeyPatch, name: str, counter: str, at_least: int
) -> None:
    victim = Victim()
    monkeypatch.setattr(RawClient, "connected", lambda *_: victim)
    monkeypatch.setattr(RawClient, "open", lambda *_: victim)
    attacks = Attacks("http://127.0.0.1:1", "token")
    asyncio.run(getattr(attacks, name)())
    assert getattr(attacks.done, counter) >= at_least
    assert attacks.done.total == getattr(attacks.done, counter)
    assert bool(victim.sent) is (name != "say_nothing")
