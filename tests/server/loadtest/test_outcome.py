import msgspec

from scribe_server.loadtest.job import HerdTimes
from scribe_server.loadtest.options import Options, Scenario
from scribe_server.loadtest.outcome import Seen, disk_of, herd_of, memory_of
from scribe_server.loadtest.verify import Proof
from tests.parts.loadtest import example_report, outcome, plan, snapshot


def test_a_run_that_went_well_has_passed() -> None:
    made = example_report()
    assert made.passed
    assert (made.total_chunks, made.acked, made.lost, made.success_rate) == (2, 2, 0, 1.0)
    assert (made.latency.average, made.latency.p99) == (4.0, 5.0)
    assert (made.throughput.seconds, made.throughput.chunks_per_s) == (2.0, 1.0)
    assert made.throughput.kb_per_s == 100.0
    assert (made.receipts.asked, made.receipts.valid) == (1, 1)


def test_the_cost_of_a_chunk_is_the_cpu_time_over_the_chunks() -> None:
    made = example_report()
    assert (made.server.cpu_us_per_chunk, made.server.cores) == (500_000.0, 0.5)
    assert made.generator.cpu_us_per_chunk == 100.0
    assert made.generator.schedule_slip_max_ms == 0.4


def test_a_lost_chunk_fails_the_run() -> None:
    made = example_report(proof=Proof("server", {(0, 1)}, receipts_valid=1))
    assert (made.lost, made.passed) == (1, False)


def test_what_could_not_be_seen_is_null() -> None:
    made = example_report(seen=Seen())
    assert (made.memory, made.disk, made.server.cpu_s) == (None, None, None)


def test_a_stated_limit_that_cannot_be_checked_does_not_hold() -> None:
    options = Options(plan(chunks=2), max_rss_mb=100.0)
    assert example_report(options=options).passed
    assert not example_report(options=options, seen=Seen()).passed


def test_a_cut_on_purpose_is_not_a_lost_connection() -> None:
    made = outcome()
    made.counts.cut, made.counts.lost_connections = 3, 4
    connections = made.to_report().connections
    assert (connections.cut, connections.lost) == (3, 1)


def test_the_scenarios_are_named() -> None:
    options = Options(plan(chunks=2), Scenario(drop_network=True, herd=3))
    assert example_report(options=options).load.scenarios == ["drop-network", "reconnect-herd"]


def test_memory_has_a_slope_only_after_a_minute() -> None:
    grows = [snapshot(second, rss=1000 + 10 * second) for second in range(0, 121, 5)]
    found = memory_of(grows)
    assert found is not None
    assert (found.start_bytes, found.peak_bytes, found.end_bytes) == (1000, 2200, 2200)
    assert found.slope_bytes_per_hour == 36_000
    short = memory_of(grows[:5])
    assert short is not None
    assert short.slope_bytes_per_hour is None
    assert memory_of([]) is None


def test_disk_is_null_where_the_folder_is_not_known() -> None:
    unknown = msgspec.structs.replace(snapshot(1), segments_bytes=None)
    assert disk_of([unknown]) is None
    found = disk_of([snapshot(0)])
    assert found is not None
    assert (found.segments_bytes, found.peak_bytes) == (1_000_000, 1_500_000)


def test_a_herd_is_back_when_the_last_one_is() -> None:
    times = HerdTimes(10.0, 3, 2, [10.5, 10.6, 12.0], [10.7, 13.0])
    found = herd_of([times, HerdTimes()])
    assert found is not None
    assert (found.size, found.back, found.to_send, found.sending) == (3, 3, 2, 2)
    assert found.connects_per_s_peak == 2
    assert found.seconds_until_all_connected == 2.0
    assert found.seconds_until_all_sending == 3.0
    assert herd_of([HerdTimes()]) is None


def test_a_herd_of_which_one_is_missing_has_no_time() -> None:
    found = herd_of([HerdTimes(10.0, 2, 2, [10.5], [])])
    assert found is not None
    assert (found.back, found.seconds_until_all_connected) == (1, None)
