from collections.abc import Callable
from typing import Any

from scribe_server.loadtest.hold import Hold
from scribe_server.loadtest.job import Counts


class Times:
    def __init__(self) -> None:
        self.now = 0.0
        self.later: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []
        self.probes = 0
        self.counts = Counts()
        self.hold = Hold(self.counts, lambda: self.now, self._later, self._probe)

    def _later(self, delay_s: float, work: Callable[..., None], *arguments: Any) -> None:
        self.later.append((delay_s, work, arguments))

    def _probe(self) -> None:
        self.probes += 1

    def run(self) -> list[float]:
        due, self.later = self.later, []
        for _, work, arguments in due:
            work(*arguments)
        return [delay for delay, _, _ in due]


def test_the_time_of_a_hold_counts_from_its_first_word_to_its_end() -> None:
    times = Times()
    times.hold.begin(2000)
    times.now = 1.0
    times.hold.begin(None)
    times.now = 3.0
    assert times.hold.active
    times.hold.end()
    times.hold.end()
    assert not times.hold.active
    assert (times.counts.told_to_hold, times.counts.held, times.counts.held_s) == (1, 0, 3.0)


def test_it_probes_after_the_time_named_and_then_every_second() -> None:
    times = Times()
    times.hold.begin(5000)
    assert times.run() == [5.0]
    assert times.run() == [1.0]
    assert times.probes == 2


def test_the_probe_of_a_hold_that_is_over_does_not_come() -> None:
    times = Times()
    times.hold.begin(None)
    times.hold.end()
    times.hold.begin(None)
    assert times.run() == [1.0, 1.0]
    assert times.probes == 1
    times.hold.end()
    assert times.run() == [1.0]
    assert times.probes == 1
