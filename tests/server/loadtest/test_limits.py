import pytest

from scribe_server.loadtest.job import Counts
from scribe_server.loadtest.latency import summary
from scribe_server.loadtest.limits import at_least, at_most, limits
from scribe_server.loadtest.options import Options, Scenario
from scribe_server.loadtest.report import Herd, Limit, Memory, Receipts
from scribe_server.loadtest.verify import Proof
from tests.parts.loadtest import plan

GOOD = {"recorded": 10, "acked": 10, "told_to_hold": 1, "cut": 3, "acked_as_duplicates": 2}
FLAT = Memory(50_000_000, 60_000_000, 55_000_000, None)
QUIET = Scenario()
SIGNED = Receipts(1, 1)
BACK = Herd(3, 3, 3, 3, 3, 0.5, 0.6)


def not_held(found: list[Limit]) -> list[str]:
    return [limit.name for limit in found if not limit.held]


def judged(
    scenario: Scenario = QUIET,
    *,
    memory: Memory | None = FLAT,
    herd: Herd | None = BACK,
    receipts: Receipts = SIGNED,
    proof: Proof | None = None,
    stated: dict[str, float] | None = None,
    **counts: int,
) -> list[str]:
    options = Options(plan(), scenario, **(stated or {}))
    made = Counts(**{**GOOD, **counts})
    latency = summary([10.0])
    found = limits(
        options,
        made,
        proof=proof or Proof("s", set()),
        latency=latency,
        memory=memory,
        receipts=receipts,
        herd=herd,
    )
    return not_held(found)


def test_a_good_run_holds_everything() -> None:
    scenario = Scenario(drop_network=True, overload=True, replay=True, herd=3)
    assert judged(scenario) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"proof": Proof("s", {(0, 0)})}, "lost_at_most"),
        ({"proof": Proof("s", set(), unexpected=1)}, "unexpected_rows_at_most"),
        ({"stored_twice": 1}, "stored_twice_at_most"),
        ({"receipts": Receipts(2, 1)}, "receipts_valid_at_least"),
        ({"acked": 9}, "acked_at_least"),
        ({"stated": {"max_p99_ms": 9.0}}, "latency_p99_ms_at_most"),
        ({"stated": {"max_rss_mb": 59.0}}, "rss_peak_mb_at_most"),
        ({"stated": {"max_rss_mb": 59.0}, "memory": None}, "rss_peak_mb_at_most"),
    ],
)
def test_whatever_is_passed_is_named(changes: dict[str, object], name: str) -> None:
    assert judged(**changes) == [name]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scenario", "changes", "name"),
    [
        (Scenario(overload=True), {"told_to_hold": 0}, "told_to_hold_at_least"),
        (
            Scenario(overload=True),
            {"memory": Memory(1, 90_000_000, 1, None)},
            "rss_growth_mb_at_most",
        ),
        (Scenario(drop_network=True), {"cut": 1}, "connections_cut_at_least"),
        (Scenario(replay=True), {"acked_as_duplicates": 0}, "acked_as_duplicates_at_least"),
        (Scenario(herd=4), {}, "herd_back_at_least"),
        (Scenario(herd=3), {"herd": Herd(3, 3, 3, 2, 3, 0.5, None)}, "herd_sending_at_least"),
    ],
)
def test_trouble_that_did_not_happen_or_did_harm_is_named(
    scenario: Scenario, changes: dict[str, object], name: str
) -> None:
    assert judged(scenario, **changes) == [name]  # type: ignore[arg-type]


def test_a_limit_is_held_up_to_its_value() -> None:
    assert at_most("x", 5, 5).held
    assert not at_most("x", 5.1, 5).held
    assert at_least("x", 5, 5).held
    assert not at_least("x", None, 0).held
