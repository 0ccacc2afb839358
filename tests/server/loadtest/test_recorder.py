import pytest

from tests.parts.loadtest import MATERIAL, SESSION, Bench


def test_a_session_begins_with_its_name_and_whose_it_is() -> None:
    bench = Bench(user_id="ann")
    name, payload = bench.link.events[0]
    assert (name, payload["sessionId"], payload["userId"]) == ("start-session", str(SESSION), "ann")


def test_chunks_that_are_due_are_sent_up_to_the_window() -> None:
    bench = Bench(window=3)
    bench.record(5)
    assert bench.link.chunks == [0, 1, 2]
    bench.ack(0)
    assert bench.link.chunks == [0, 1, 2, 3]
    assert bench.link.bodies[3] == MATERIAL.chunk(SESSION, 3)


def test_the_window_of_the_ack_holds_from_then_on() -> None:
    bench = Bench(window=3)
    bench.record(6)
    bench.ack(0, window=1)
    bench.ack(1, window=1)
    assert bench.link.chunks == [0, 1, 2]
    bench.ack(2, window=2)
    assert bench.link.chunks == [0, 1, 2, 3, 4]


def test_the_latency_counts_from_when_the_chunk_was_due() -> None:
    bench = Bench(window=1)
    bench.record(2)
    bench.now = 1.0
    bench.ack(0)
    bench.now = 3.0
    bench.ack(1)
    assert bench.latencies == [1000.0, 3000.0]
    assert (bench.counts.acked, bench.recorder.unacked) == (2, [])


def test_nothing_is_sent_before_the_session_is_started_again() -> None:
    bench = Bench()
    bench.recorder.on_end()
    bench.record(1)
    assert bench.link.chunks == []
    assert bench.connect().chunks == [0]


def test_what_was_in_flight_when_the_network_failed_is_sent_again_in_order() -> None:
    bench = Bench(window=2)
    bench.record(4)
    bench.recorder.cut()
    assert bench.counts.cut == 1
    link = bench.connect()
    assert link.chunks == [0, 1]
    bench.ack(0, duplicate=True)
    bench.ack(1)
    assert link.chunks == [0, 1, 2, 3]
    assert (bench.counts.sent_again, bench.counts.acked_as_duplicates) == (2, 1)
    assert bench.counts.stored_twice == 0


def test_a_connection_is_cut_after_the_chunks_that_were_chosen_once_each() -> None:
    bench = Bench(cut_after=frozenset({1}))
    bench.record(3)
    assert bench.link.chunks == [0, 1]
    assert bench.connect().chunks == [0, 1, 2]
    assert bench.counts.cut == 1


def test_an_acknowledged_chunk_that_is_missing_after_a_reconnect_is_an_error_and_sent_again() -> (
    None
):
    bench = Bench()
    bench.record(3)
    for sequence in range(3):
        bench.ack(sequence)
    bench.recorder.cut()
    link = bench.connect(stored=2, missing=((0, 0),))
    assert bench.counts.errors == {"acked_and_missing": 2}
    assert link.chunks == [0, 2]


def test_an_ack_with_another_hash_does_not_count() -> None:
    bench = Bench()
    bench.record(1)
    bench.ack(0, sha256="0" * 64)
    assert bench.counts.errors == {"acked_with_another_hash": 1}
    assert (bench.counts.acked, bench.recorder.unacked) == (0, [0])
    bench.run_later()
    assert bench.link.chunks == [0, 0]


def test_it_holds_when_told_to_and_goes_on_when_told_to() -> None:
    bench = Bench()
    bench.recorder.on_event("backpressure", {"canAccept": False, "retryAfterMs": 5000})
    bench.record(2)
    assert bench.link.chunks == []
    assert bench.counts.held == 1
    bench.now = 2.0
    bench.recorder.on_event("backpressure", {"canAccept": True})
    assert bench.link.chunks == [0, 1]
    assert (bench.counts.told_to_hold, bench.counts.held, bench.counts.held_s) == (1, 0, 2.0)


def test_a_lost_go_is_found_out_by_a_probe_of_one_chunk() -> None:
    bench = Bench()
    bench.recorder.on_event("backpressure", {"canAccept": False, "retryAfterMs": 5000})
    bench.record(2)
    assert bench.run_later() == [5.0]
    assert bench.link.chunks == [0]
    assert bench.run_later() == [1.0]
    assert bench.link.chunks == [0]


def test_a_probe_of_a_hold_that_is_over_sends_nothing() -> None:
    bench = Bench(window=1)
    bench.recorder.on_event("backpressure", {"canAccept": False})
    bench.recorder.on_event("backpressure", {"canAccept": True})
    bench.record(2)
    bench.run_later()
    assert bench.link.chunks == [0]


def test_a_deaf_recorder_pushes_against_window_and_hold_until_the_network_is_full() -> None:
    bench = Bench(window=1, deaf=True)
    bench.recorder.on_event("backpressure", {"canAccept": False})
    bench.record(3)
    assert bench.link.chunks == [0, 1, 2]
    bench.recorder.on_writable(False)
    bench.record(1)
    assert bench.link.chunks == [0, 1, 2]
    bench.recorder.on_writable(True)
    assert bench.link.chunks == [0, 1, 2, 3]


def test_a_flood_records_whenever_it_may_send_and_ends_when_told() -> None:
    bench = Bench(planned=100, window=2)
    assert bench.link.chunks == []
    bench.recorder.begin_flood()
    assert bench.link.chunks == [0, 1]
    bench.ack(0)
    assert bench.link.chunks == [0, 1, 2]
    bench.recorder.end_flood()
    bench.ack(1)
    assert bench.link.chunks == [0, 1, 2]
    assert bench.recorder.planned == 3


def test_each_nth_chunk_is_sent_twice_and_must_come_back_as_a_duplicate() -> None:
    bench = Bench(replay_every=2)
    bench.record(2)
    bench.ack(0)
    bench.ack(1)
    assert bench.link.chunks == [0, 1, 1]
    assert bench.recorder.busy
    bench.ack(1, duplicate=True)
    assert not bench.recorder.busy
    assert (bench.counts.acked, bench.counts.acked_as_duplicates) == (2, 1)
    assert bench.counts.stored_twice == 0


def test_a_replay_that_is_not_called_a_duplicate_was_stored_twice() -> None:
    bench = Bench(replay_every=1)
    bench.record(1)
    bench.ack(0)
    bench.ack(0, duplicate=False)
    assert bench.counts.stored_twice == 1


def test_a_refused_chunk_is_sent_again_when_the_server_asks_for_it() -> None:
    bench = Bench()
    bench.record(1)
    error = {"sequence": 0, "code": "busy", "retryable": True, "retryAfterMs": 3000}
    bench.recorder.on_event("chunk-error", error)
    assert bench.run_later() == [3.0]
    assert bench.link.chunks == [0, 0]
    assert bench.counts.errors == {"busy": 1}


def test_a_chunk_that_is_refused_for_good_is_not_waited_for() -> None:
    bench = Bench()
    bench.record(1)
    error = {"sequence": 0, "code": "unsupported_media", "retryable": False}
    bench.recorder.on_event("chunk-error", error)
    assert not bench.recorder.busy
    assert bench.recorder.unacked == [0]
    assert bench.link.chunks == [0]


def test_a_session_ends_with_a_manifest_of_all_that_it_recorded() -> None:
    bench = Bench()
    bench.record(2)
    bench.recorder.stop()
    name, payload = bench.link.events[-1]
    assert name == "stop-session"
    chunks = payload["manifest"]["chunks"]
    assert [chunk["sha256"] for chunk in chunks] == [MATERIAL.sha256(SESSION, n) for n in (0, 1)]


def test_a_session_without_a_chunk_asks_for_no_receipt() -> None:
    bench = Bench()
    bench.recorder.stop()
    assert "manifest" not in bench.link.events[-1][1]
    assert bench.recorder.stopped == "stopped"


def test_a_session_that_wants_no_receipt_sends_no_manifest() -> None:
    bench = Bench()
    bench.record(1)
    bench.recorder.stop(receipt=False)
    assert "manifest" not in bench.link.events[-1][1]
    assert bench.recorder.stopped == "stopped"


def test_a_receipt_settles_the_session() -> None:
    bench = Bench()
    settled: list[bool] = []
    bench.recorder.on_settled = lambda: settled.append(True)
    receipt = {
        "sessionId": str(SESSION), "digest": "0" * 64, "chunks": 0, "totalSamples": 0, "bytes": 0,
        "serverId": "s", "storedAt": 1, "keyId": "k", "signature": "",
    }  # fmt: skip
    bench.recorder.on_event("session-receipt", receipt)
    assert settled == [True]
    assert bench.recorder.receipt is not None


def test_what_the_server_lacks_at_the_end_is_sent_again() -> None:
    bench = Bench()
    bench.record(2)
    bench.ack(0)
    bench.ack(1)
    bench.recorder.on_event("session-incomplete", {"missingRanges": [[1, 1]]})
    assert bench.link.chunks == [0, 1, 1]
    assert bench.recorder.stopped == "incomplete"
    assert bench.counts.errors == {"acked_and_missing": 1}


@pytest.mark.parametrize("code", ["not_found", "conflict"])
def test_a_session_that_is_refused_is_ready_to_be_given_up(code: str) -> None:
    bench = Bench()
    ready: list[bool] = []
    bench.recorder.on_ready = lambda: ready.append(True)
    bench.recorder.on_event("session-error", {"code": code, "error": "no"})
    assert (ready, bench.recorder.refusal) == ([True], code)
