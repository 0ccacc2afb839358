import asyncio
import time

import pytest

from tests.bench.job import Outcome
from tests.bench.tally import Tally


def test_only_acks_within_the_measured_time_have_a_latency() -> None:
    tally = Tally()
    now = time.perf_counter()
    tally.measure(now + 100, now + 200, by_due=False)
    tally.ack(now)
    assert tally.outcome(100.0, []) == Outcome(0, 100.0, 0, 1, 0, "", 0, {}, [])


def test_the_latency_counts_from_the_time_when_the_chunk_was_due() -> None:
    tally = Tally()
    now = time.perf_counter()
    tally.measure(now - 1, now + 100, by_due=False)
    tally.sent = 2
    tally.ack(now - 5)
    outcome = tally.outcome(1.0, [])
    assert outcome.measured == 1
    assert outcome.quantiles_ms["0.5"] >= 5000
    assert outcome.lost == 1


def test_in_an_open_loop_a_late_ack_counts_when_its_chunk_was_due_while_measuring() -> None:
    tally = Tally()
    now = time.perf_counter()
    tally.measure(now - 20, now - 10, by_due=True)
    tally.ack(now - 11)
    tally.ack(now - 1)
    outcome = tally.outcome(10.0, [])
    assert outcome.measured == 1
    assert outcome.quantiles_ms["1"] >= 11_000


def test_a_refused_chunk_is_not_lost_and_says_why() -> None:
    tally = Tally()
    tally.sent = 1
    tally.error("chunk-error: busy")
    outcome = tally.outcome(1.0, [])
    assert (outcome.lost, outcome.errors, outcome.last_error) == (0, 1, "chunk-error: busy")


@pytest.mark.parametrize("timeout_s", [0.01, 20])
def test_waiting_for_answers_ends_with_the_last_of_them_or_the_time_out(timeout_s: float) -> None:
    tally = Tally()

    async def wait() -> int:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(tally.answers(2, timeout_s=timeout_s))
            await asyncio.sleep(0)
            tally.ack(0.0)
            if timeout_s > 1:
                tally.error("refused")
            await waiting
        return tally.answered

    assert asyncio.run(wait()) == (2 if timeout_s > 1 else 1)
