from dataclasses import replace

import pytest

from scribe_server.backpressure import (
    OPEN,
    Decision,
    Load,
    QueueLimits,
    Thresholds,
    Window,
    closed,
    decide,
)
from scribe_server.protocol import BackpressureReason

GB = 1000**3
CALM = Load(
    memory_used=GB,
    memory_available=10 * GB,
    memory_total=16 * GB,
    disk_free=100 * GB,
    disk_total=1000 * GB,
    oldest_wait_s=0.0,
)
THRESHOLDS = Thresholds(memory_limit=10 * GB)


def after(previous: Decision = OPEN, **changes: float) -> BackpressureReason | None:
    return decide(replace(CALM, **changes), THRESHOLDS, previous).reason


def test_a_calm_server_takes_chunks() -> None:
    assert decide(CALM, THRESHOLDS, OPEN) == OPEN


@pytest.mark.parametrize(
    ("reason", "closes", "holds", "opens"),
    [
        ("memory", {"memory_used": 8.1 * GB}, {"memory_used": 7.3 * GB}, {"memory_used": 7.1 * GB}),
        (
            "memory",
            {"memory_available": 0.7 * GB},
            {"memory_available": 0.9 * GB},
            {"memory_available": 1 * GB},
        ),
        ("disk", {"disk_free": 4.9 * GB}, {"disk_free": 5.9 * GB}, {"disk_free": 6.1 * GB}),
        ("store", {"oldest_wait_s": 30.0}, {"oldest_wait_s": 16.0}, {"oldest_wait_s": 14.0}),
    ],
)
def test_what_closes_the_server_opens_it_only_at_a_better_value(
    reason: str, closes: dict[str, float], holds: dict[str, float], opens: dict[str, float]
) -> None:
    decision = decide(replace(CALM, **closes), THRESHOLDS, OPEN)
    assert decision.reason == reason
    assert decision.can_accept is False
    assert decision.retry_after_ms
    assert after(OPEN, **holds) is None
    assert after(decision, **holds) == reason
    assert after(decision, **opens) is None


def test_on_a_small_disk_the_limit_is_a_share_of_it() -> None:
    assert after(disk_total=10 * GB, disk_free=0.6 * GB) is None
    assert after(disk_total=10 * GB, disk_free=0.4 * GB) == BackpressureReason.DISK


def test_one_reason_can_follow_another() -> None:
    assert after(closed(BackpressureReason.DISK), memory_used=9 * GB) == BackpressureReason.MEMORY


def test_a_queue_is_full_at_its_chunks_or_at_its_bytes_from_two_on() -> None:
    limits = QueueLimits(max_chunks=10, max_bytes=100)
    assert limits.full(10, 10)
    assert not limits.full(9, 100)
    assert limits.full(2, 101)
    assert not limits.full(1, 10_000)


def test_a_full_queue_counts_as_relaxed_at_half() -> None:
    limits = QueueLimits(max_chunks=10, max_bytes=100)
    assert not limits.relaxed(6, 0)
    assert not limits.relaxed(5, 51)
    assert limits.relaxed(5, 50)
    assert limits.relaxed(1, 10_000)


def test_a_queue_of_one_relaxes_when_it_is_empty() -> None:
    limits = QueueLimits(max_chunks=1)
    assert limits.full(1, 1)
    assert not limits.relaxed(1, 1)
    assert limits.relaxed(0, 0)


def test_pressure_starts_at_half_of_a_limit() -> None:
    limits = QueueLimits(max_chunks=10)
    assert not limits.pressed(5, 15.0)
    assert limits.pressed(6, 0.0)
    assert limits.pressed(0, 15.1)


def test_the_window_grows_by_one_per_ten_acks_up_to_its_maximum() -> None:
    window = Window(maximum=10, size=8)
    sizes = []
    for _ in range(40):
        window = window.after_ack(pressed=False)
        sizes.append(window.size)
    assert sizes[8:10] == [8, 9]
    assert sizes[19] == 10
    assert sizes[-1] == 10


def test_the_window_halves_once_per_flight_and_never_below_one() -> None:
    window = Window(maximum=10, size=10)
    sizes = []
    for _ in range(40):
        window = window.after_ack(pressed=True)
        sizes.append(window.size)
    assert sizes[:11] == [5] * 11
    assert sizes[11] == 2
    assert sizes[-1] == 1
