import asyncio
from collections.abc import Callable, Coroutine

from engineio.packet import MESSAGE, Packet

from scribe_server.sockets.outbox import Outbox
from scribe_server.tasks import Tasks


class FakeFrames:
    """A WebSocket whose client reads when `room` is set; `full` bytes wait in the system."""

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []
        self.room = asyncio.Event()
        self.room.set()
        self.full = 0
        self.ended = False

    async def send(self, message: str | bytes) -> None:
        if self.ended:
            raise ConnectionResetError("gone")
        self.sent.append(message)
        await self.room.wait()

    async def close(self) -> None:
        self.sent.append("closed")

    def unsent(self) -> int:
        return self.full


def message(text: str) -> Packet:
    return Packet(MESSAGE, text)


def run(scenario: Callable[[FakeFrames, Outbox, Tasks], Coroutine[None, None, None]]) -> FakeFrames:
    async def main() -> FakeFrames:
        frames, tasks = FakeFrames(), Tasks()
        await scenario(frames, Outbox(frames, tasks), tasks)
        await tasks.drain(5)
        return frames

    return asyncio.run(main())


def test_a_packet_for_a_client_that_reads_is_written_without_a_task() -> None:
    async def scenario(frames: FakeFrames, outbox: Outbox, tasks: Tasks) -> None:
        outbox.put_nowait(message("one"))
        await outbox.put(message("two"))
        assert frames.sent == ["4one", "4two"]
        assert len(tasks) == 0
        assert outbox.empty()

    run(scenario)


def test_packets_for_a_client_that_does_not_read_wait_in_order() -> None:
    async def scenario(frames: FakeFrames, outbox: Outbox, tasks: Tasks) -> None:
        frames.full = 100
        frames.room.clear()
        for text in ("one", "two", "three"):
            outbox.put_nowait(message(text))
        await asyncio.sleep(0)
        assert frames.sent == ["4one"]
        frames.full = 0
        outbox.put_nowait(message("four"))
        assert outbox.qsize() == 3
        frames.room.set()
        await tasks.drain(5)
        assert frames.sent == ["4one", "4two", "4three", "4four"]
        outbox.put_nowait(message("five"))
        assert frames.sent[-1] == "4five"

    run(scenario)


def test_a_frame_whose_sender_would_have_to_wait_is_sent_once() -> None:
    async def scenario(frames: FakeFrames, outbox: Outbox, tasks: Tasks) -> None:
        frames.room.clear()
        outbox.put_nowait(message("one"))
        assert frames.sent == ["4one"]
        assert outbox.empty()
        assert len(tasks) == 0

    run(scenario)


def test_a_large_packet_is_sent_by_a_task_that_may_wait() -> None:
    async def scenario(frames: FakeFrames, outbox: Outbox, tasks: Tasks) -> None:
        outbox.put_nowait(message("x" * 100_000))
        outbox.put_nowait(message("after"))
        assert frames.sent == []
        await tasks.drain(5)
        assert [len(sent) for sent in frames.sent] == [100_001, 6]

    run(scenario)


def test_none_closes_after_what_was_put_before_it() -> None:
    async def scenario(frames: FakeFrames, outbox: Outbox, _tasks: Tasks) -> None:
        frames.full = 1
        outbox.put_nowait(message("last words"))
        outbox.put_nowait(None)

    assert run(scenario).sent == ["4last words", "closed"]


def test_what_is_put_for_a_client_that_has_gone_is_dropped() -> None:
    async def scenario(frames: FakeFrames, outbox: Outbox, tasks: Tasks) -> None:
        frames.ended = True
        outbox.put_nowait(message("at once"))
        frames.full = 1
        outbox.put_nowait(message("queued"))
        outbox.put_nowait(message("queued too"))
        await tasks.drain(5)
        assert outbox.empty()
        await asyncio.wait_for(outbox.join(), 5)

    assert run(scenario).sent == []
