from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from scribe_desktop.app.upkeep import AGAIN_S, LOOK_S, Upkeep
from scribe_desktop.library.sessions import DAY_MS
from scribe_desktop.spool import Spool
from tests.parts.delivered import deliver
from tests.parts.filled_spool import add_session, session_id_of, spool_in

ONE, TWO = session_id_of(1), session_id_of(2)


class Times:
    """An upkeep whose clocks and server a test moves."""

    def __init__(self, spool: Spool) -> None:
        self.now_ms = 0
        self.now_s = 0.0
        self.confirms: set[str] = set()
        self.asked: list[list[str]] = []
        self.deleted: list[str] = []
        self._spool = spool
        self._upkeep = Upkeep(
            keep_days=lambda: 1,
            confirm=self._confirm,
            deleted=self.deleted.append,
            clock=lambda: self.now_ms,
            monotonic=lambda: self.now_s,
        )

    def _confirm(self, session_ids: Collection[str]) -> Collection[str]:
        self.asked.append(list(session_ids))
        return self.confirms

    def call(self, *, after_s: float = 0.0, day: int = 0) -> float:
        self.now_s += after_s
        self.now_ms = max(self.now_ms, day * DAY_MS)
        return self._upkeep(self._spool)

    def let_two_days_pass(self) -> float:
        return max(self.call(after_s=LOOK_S, day=day) for day in (1, 2))


@pytest.fixture
def times(tmp_path: Path) -> Iterator[Times]:
    spool = spool_in(tmp_path)
    for session_id in (ONE, TWO):
        add_session(spool, session_id, chunks=1)
        deliver(spool, session_id, stored_at=0)
    made = Times(spool)
    assert made.call() == LOOK_S
    yield made
    spool.close()


def test_what_the_server_confirms_goes_and_the_next_look_is_in_an_hour(times: Times) -> None:
    times.confirms = {ONE, TWO}
    assert times.let_two_days_pass() == LOOK_S
    assert times.deleted == [TWO, ONE]


def test_without_the_servers_word_nothing_goes_and_it_is_asked_again(times: Times) -> None:
    times.let_two_days_pass()
    assert (times.deleted, times.asked) == ([], [[TWO, ONE]])
    times.confirms = {TWO}
    assert times.call(after_s=AGAIN_S) == AGAIN_S
    assert times.deleted == [TWO]
    times.confirms = {ONE}
    assert times.call(after_s=AGAIN_S) == LOOK_S - 2 * AGAIN_S
    assert times.deleted == [TWO, ONE]
    assert times.asked[1:] == [[TWO, ONE], [ONE]]


def test_asking_again_lets_the_period_go_forward_no_faster(times: Times) -> None:
    for minute in range(30):
        times.call(after_s=AGAIN_S, day=400 + minute)
    assert times.asked == []
