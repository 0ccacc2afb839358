import asyncio

from scribe_server.loadtest.herd import HerdWatch, peak_per_second
from tests.parts.loadtest import Bench


def test_the_herd_is_cut_at_one_moment_and_noted_when_it_is_back_and_when_it_sends() -> None:
    bench = Bench(planned=2)
    bench.record(1)
    watch = HerdWatch([bench.recorder], lambda: bench.now)
    bench.now = 5.0
    watch.cut()
    bench.now = 6.0
    bench.connect()
    bench.now = 7.0
    bench.ack(0)
    times = watch.times
    assert (times.cut_at, times.size, times.to_send) == (5.0, 1, 1)
    assert (times.connected_at, times.sending_at) == ([6.0], [7.0])


def test_a_recorder_without_chunks_left_is_only_waited_for_to_connect() -> None:
    bench = Bench(planned=1)
    bench.record(1)
    bench.ack(0)
    watch = HerdWatch([bench.recorder], lambda: bench.now)
    watch.cut()
    bench.connect(stored=1)
    assert watch.times.to_send == 0
    assert len(watch.times.connected_at) == 1


def test_it_waits_until_it_is_due() -> None:
    bench = Bench()
    answers = iter([False, False, True])
    watch = HerdWatch([bench.recorder], lambda: bench.now)
    asyncio.run(watch.run(lambda: next(answers)))
    assert bench.counts.cut == 1
    assert next(answers, None) is None


def test_a_herd_of_nobody_does_nothing() -> None:
    watch = HerdWatch([], lambda: 0.0)
    asyncio.run(watch.run(lambda: True))
    assert watch.times.cut_at is None


def test_the_peak_is_the_fullest_second_wherever_it_begins() -> None:
    assert peak_per_second([0.0, 0.9, 1.1, 1.2, 1.8, 5.0]) == 4
    assert peak_per_second([0.0, 1.0, 2.0]) == 1
    assert peak_per_second([]) == 0
