import random
from dataclasses import replace

import pytest

from tests.faults.packets import CLEAR, HOLE, Direction, Line

PACKETS = [n.to_bytes(2, "big") + bytes(98) for n in range(1000)]


def direction(line: Line) -> Direction:
    made = Direction(random.Random(1))
    made.line = line
    return made


def through(made: Direction, *, at_s: float = 0.0, until_s: float = 100.0) -> list[bytes]:
    for packet in PACKETS:
        made.take(at_s, packet)
    return made.due(until_s)


def test_a_clear_line_passes_everything_at_once_and_in_order() -> None:
    made = direction(CLEAR)
    assert through(made, until_s=0.0) == PACKETS
    assert made.counts.passed == 1000
    assert made.counts.overtaken == 0


def test_a_delay_holds_a_packet_until_it_is_due() -> None:
    made = direction(Line(delay_ms=100))
    made.take(5.0, PACKETS[0])
    assert made.due(5.099) == []
    assert made.wait_s(5.0, 10.0) == pytest.approx(0.1)
    assert made.due(5.101) == PACKETS[:1]
    assert made.wait_s(5.2, 10.0) == 10.0
    assert made.counts.delayed == 1


def test_jitter_stays_within_its_bounds() -> None:
    made = direction(Line(delay_ms=100, jitter_ms=30))
    assert through(made, until_s=0.0699) == []
    assert len(made.due(0.1301)) == 1000
    assert made.counts.overtaken > 0


@pytest.mark.parametrize("loss", [0.05, 0.2])
def test_about_the_asked_share_is_lost(loss: float) -> None:
    made = direction(Line(loss=loss))
    arrived = through(made)
    assert len(arrived) + made.counts.lost == 1000
    assert made.counts.lost == pytest.approx(loss * 1000, rel=0.25)


def test_about_the_asked_share_comes_twice() -> None:
    made = direction(Line(twice=0.1))
    arrived = through(made)
    assert sorted(set(arrived)) == PACKETS
    assert len(arrived) - 1000 == made.counts.twice == pytest.approx(100, rel=0.25)


def test_about_the_asked_share_is_overtaken_and_nothing_is_missing() -> None:
    made = direction(Line(overtaken=0.2))
    arrived = through(made)
    assert arrived != PACKETS
    assert sorted(arrived) == PACKETS
    assert made.counts.overtaken > 0


def test_damage_turns_one_bit_behind_the_header() -> None:
    made = direction(Line(damaged=1))
    arrived = through(made)
    flips = [
        (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
        for a, b in zip(arrived, PACKETS, strict=True)
    ]
    assert set(flips) == {1}
    assert [packet[:20] for packet in arrived] == [packet[:20] for packet in PACKETS]
    assert made.counts.damaged == 1000


def test_a_slow_line_sends_at_its_rate_and_drops_what_does_not_fit_its_queue() -> None:
    made = direction(Line(rate_kbit=80))
    assert len(through(made, until_s=0.505)) == 50
    assert len(made.due(0.905)) == 40
    assert made.counts.overflowed == pytest.approx(900, abs=1)


def test_a_black_hole_swallows_what_comes_and_what_is_on_its_way() -> None:
    made = direction(Line(delay_ms=50))
    made.take(0.0, PACKETS[0])
    made.line = HOLE
    made.take(0.01, PACKETS[1])
    assert made.due(1.0) == []
    made.line = replace(HOLE, is_open=True)
    made.take(1.0, PACKETS[2])
    assert made.due(1.0) == [PACKETS[2]]
    assert (made.counts.swallowed, made.counts.passed) == (2, 1)
