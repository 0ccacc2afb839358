import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from scribe_server.backpressure import QueueLimits, closed
from scribe_server.metrics import Metrics
from scribe_server.protocol import (
    MAX_CHUNK_BYTES,
    BackpressureReason,
    ChunkAck,
    ChunkError,
    ErrorCode,
    Event,
    SessionError,
    SessionStopped,
)
from scribe_server.sockets.gate import Gate
from scribe_server.sockets.handlers import Handlers
from scribe_server.tasks import Tasks
from tests.server.sockets.doubles import OTHER, SESSION, FakeIngest, FakeOutside, chunk, peer


class Bench:
    def __init__(self) -> None:
        self.ingest: Any = FakeIngest()
        self.outside = FakeOutside()
        self.tasks = Tasks()
        self.metrics = Metrics()
        self.gate = Gate(
            QueueLimits(max_chunks=4),
            10_000_000,
            lambda to, what: self.outside.send(to, Event.BACKPRESSURE, what),
        )
        self.handlers = Handlers(self.ingest, self.gate, self.outside, self.metrics, self.tasks)
        self.peer = peer()

    async def send(self, event: Event, data: object, sender: Any = None) -> Any:
        """Handle one event to its end; returns the last answer."""
        await self.handlers.event(sender or self.peer, event, [data])
        await self.tasks.drain(5)
        return self.outside.sent[-1][2] if self.outside.sent else None

    async def start(self, sender: Any = None, session: str = SESSION) -> Any:
        return await self.send(Event.START_SESSION, {"sessionId": session}, sender)


def run(scenario: Callable[[Bench], Awaitable[None]]) -> Bench:
    async def inner() -> Bench:
        bench = Bench()
        await scenario(bench)
        return bench

    return asyncio.run(inner())


def test_each_request_is_answered_with_its_event() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start()
        await bench.send(Event.AUDIO_CHUNK, chunk())
        await bench.send(Event.PAUSE_SESSION, {"sessionId": SESSION})
        await bench.send(Event.RESUME_SESSION, {"sessionId": SESSION})
        await bench.send(Event.SYNC_CHECK, {"sessions": []})
        await bench.send(Event.STOP_SESSION, {"sessionId": SESSION})

    assert run(scenario).outside.events() == [
        Event.SESSION_STARTED,
        Event.CHUNK_ACK,
        Event.SESSION_PAUSED,
        Event.SESSION_RESUMED,
        Event.SYNC_STATE,
        Event.SESSION_STOPPED,
    ]


def test_unknown_events_are_ignored() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.handlers.event(bench.peer, "nonsense", [])
        assert bench.outside.sent == []

    run(scenario)


def test_an_ack_tells_the_window_and_whether_to_go_on() -> None:
    async def scenario(bench: Bench) -> None:
        ack = await bench.send(Event.AUDIO_CHUNK, chunk())
        assert isinstance(ack, ChunkAck)
        assert (ack.window, ack.can_accept) == (10, True)

    assert run(scenario).metrics.chunks_stored == 1


def test_a_chunk_of_a_session_in_memory_needs_no_task() -> None:
    async def scenario(bench: Bench) -> None:
        bench.ingest.in_memory.add(SESSION)
        await bench.handlers.event(bench.peer, Event.AUDIO_CHUNK, [chunk()])
        assert bench.outside.events() == [Event.CHUNK_ACK]
        assert len(bench.tasks) == 0
        assert (bench.gate.all.chunks, bench.gate.all.bytes) == (0, 0)

    run(scenario)


@pytest.mark.logs_errors
def test_a_bug_while_a_chunk_is_taken_is_told_and_holds_nothing_up() -> None:
    async def scenario(bench: Bench) -> None:
        bench.ingest.in_memory.add(SESSION)
        bench.ingest.broken = True
        answer = await bench.send(Event.AUDIO_CHUNK, chunk())
        assert isinstance(answer, ChunkError)
        assert answer.code is ErrorCode.INTERNAL
        assert bench.gate.all.chunks == 0

    run(scenario)


def test_a_stop_waits_for_the_chunks_that_came_before_it() -> None:
    async def scenario(bench: Bench) -> None:
        bench.ingest.open.clear()
        for sequence in range(3):
            await bench.handlers.event(bench.peer, Event.AUDIO_CHUNK, [chunk(sequence)])
        stop = Tasks().spawn(
            bench.handlers.event(bench.peer, Event.STOP_SESSION, [{"sessionId": SESSION}]),
            "handling",
        )
        await asyncio.sleep(0.01)
        assert not stop.done()
        bench.ingest.open.set()
        await stop
        assert bench.outside.sent[-1][2] == SessionStopped(SESSION, 3)

    run(scenario)


def test_the_queue_holds_back_the_reader_and_nothing_is_refused() -> None:
    async def scenario(bench: Bench) -> None:
        bench.ingest.open.clear()
        for sequence in range(4):
            await bench.handlers.event(bench.peer, Event.AUDIO_CHUNK, [chunk(sequence)])
        assert bench.outside.events() == [Event.BACKPRESSURE]
        fifth = Tasks().spawn(
            bench.handlers.event(bench.peer, Event.AUDIO_CHUNK, [chunk(4)]), "handling"
        )
        await asyncio.sleep(0.01)
        assert not fifth.done()
        bench.ingest.open.set()
        await fifth
        await bench.tasks.drain(5)

    bench = run(scenario)
    assert len(bench.ingest.stored) == 5
    assert bench.outside.events().count(Event.CHUNK_ACK) == 5
    assert bench.outside.events().count(Event.CHUNK_ERROR) == 0
    assert bench.outside.events().count(Event.BACKPRESSURE) == 2


def test_a_closed_server_refuses_chunks_as_busy_and_says_why() -> None:
    async def scenario(bench: Bench) -> None:
        bench.gate.update(closed(BackpressureReason.DISK))
        await bench.send(Event.AUDIO_CHUNK, chunk())
        (_, first, error), (_, second, told) = bench.outside.sent
        assert (first, second) == (Event.CHUNK_ERROR, Event.BACKPRESSURE)
        assert (error.code, error.retryable, error.retry_after_ms) == ("busy", True, 30_000)
        assert (told.can_accept, told.reason) == (False, "disk")
        assert bench.ingest.stored == {}

    run(scenario)


def test_the_fourth_identical_duplicate_is_rate_limited_not_ignored() -> None:
    async def scenario(bench: Bench) -> None:
        answers = [await bench.send(Event.AUDIO_CHUNK, chunk()) for _ in range(5)]
        assert [getattr(a, "duplicate", None) for a in answers] == [False, True, True, True, None]
        assert (answers[-1].code, answers[-1].retryable) == (ErrorCode.RATE_LIMITED, True)
        assert answers[-1].retry_after_ms

    run(scenario)


def test_a_chunk_over_the_limit_is_too_large() -> None:
    async def scenario(bench: Bench) -> None:
        error = await bench.send(Event.AUDIO_CHUNK, chunk(audio=bytes(MAX_CHUNK_BYTES + 1)))
        assert error.code is ErrorCode.CHUNK_TOO_LARGE

    run(scenario)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sequence", -1),
        ("sequence", 1.5),
        ("sequence", 2**63),
        ("sequence", True),
        ("sequence", "0"),
        ("audio", "c291bmQ="),
        ("audio", [1, 2]),
        ("audio", None),
        ("sessionId", "../../x"),
        ("sessionId", SESSION + "\n"),
        ("sessionId", SESSION + "\0"),
        ("sessionId", 7),
        ("sha256", "0" * 63),
        ("firstSample", -1),
    ],
)
def test_a_wrong_field_of_a_chunk_is_named_in_the_refusal(field: str, value: object) -> None:
    async def scenario(bench: Bench) -> None:
        answer = await bench.send(Event.AUDIO_CHUNK, {**chunk(), field: value})
        assert answer.code is ErrorCode.INVALID_PAYLOAD
        words = answer.error if isinstance(answer, ChunkError) else answer.details
        assert f"$.{field}" in words

    assert run(scenario).ingest.stored == {}


@pytest.mark.parametrize("data", [None, [], "x", 3, b"bytes", {}, {"sessionId": "x" * 1_000_000}])
@pytest.mark.parametrize("event", [Event.AUDIO_CHUNK, Event.START_SESSION, Event.SYNC_CHECK])
def test_an_illegible_request_is_refused_without_echoing_it(event: Event, data: object) -> None:
    async def scenario(bench: Bench) -> None:
        answer = await bench.send(event, data)
        assert isinstance(answer, SessionError)
        assert (answer.code, answer.session_id) == (ErrorCode.INVALID_PAYLOAD, None)
        assert answer.details

    run(scenario)


def test_the_newest_socket_of_a_device_supersedes_the_older_one() -> None:
    async def scenario(bench: Bench) -> None:
        old, new = peer("old"), peer("new")
        await bench.start(old)
        await bench.start(new)
        assert bench.outside.superseded == [("old", SESSION, True)]
        refused = await bench.send(Event.AUDIO_CHUNK, chunk(), old)
        assert refused.code is ErrorCode.SUPERSEDED
        assert isinstance(await bench.send(Event.AUDIO_CHUNK, chunk(), new), ChunkAck)

    run(scenario)


def test_a_session_that_another_device_records_is_a_conflict_until_it_is_stopped() -> None:
    async def scenario(bench: Bench) -> None:
        laptop, phone = peer("a", device="laptop"), peer("b", device="phone")
        await bench.start(laptop)
        assert (await bench.start(phone)).code is ErrorCode.CONFLICT
        assert (await bench.send(Event.AUDIO_CHUNK, chunk(), phone)).code is ErrorCode.CONFLICT
        await bench.send(Event.STOP_SESSION, {"sessionId": SESSION}, laptop)
        assert (await bench.start(phone)).status == "recording"

    run(scenario)


def test_the_spelling_of_a_uuid_does_not_make_another_session() -> None:
    async def scenario(bench: Bench) -> None:
        session = "ABCDEF00-0000-4000-8000-000000000001"
        await bench.start(peer("a", device="laptop"), session)
        answer = await bench.start(peer("b", device="phone"), session.lower())
        assert answer.code is ErrorCode.CONFLICT

    run(scenario)


def test_another_users_session_of_the_same_id_is_his_own() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.start(peer("a", device="laptop", user=1), OTHER)
        assert (await bench.start(peer("b", device="phone", user=2), OTHER)).status == "recording"

    run(scenario)


@pytest.mark.logs_errors
def test_a_fault_of_ours_is_answered_as_internal_and_frees_the_queue() -> None:
    async def scenario(bench: Bench) -> None:
        bench.ingest.broken = True
        assert (await bench.start()).code is ErrorCode.INTERNAL
        assert (await bench.send(Event.AUDIO_CHUNK, chunk())).code is ErrorCode.INTERNAL
        assert bench.peer.unstored.chunks == 0

    run(scenario)


def test_what_a_socket_sent_before_it_ended_is_stored_and_nothing_is_sent_to_it() -> None:
    async def scenario(bench: Bench) -> None:
        bench.ingest.open.clear()
        await bench.handlers.event(bench.peer, Event.AUDIO_CHUNK, [chunk()])
        bench.peer.ended = True
        bench.ingest.open.set()
        await bench.tasks.drain(5)
        assert len(bench.ingest.stored) == 1
        assert bench.outside.sent == []

    run(scenario)
