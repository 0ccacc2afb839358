"""The one thread that writes: chunks in group commits, everything else call by call.

While a batch is made durable the next one gathers in the queue; there is no timer. The event loop
is woken once per batch.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from scribe_server.protocol import ErrorCode
from scribe_server.store.batch import Append, ChunkWrite, Outcome, store_batch
from scribe_server.store.database import Database, Work, begin, translate
from scribe_server.store.hot import HotSessions

log = logging.getLogger(__name__)
T = TypeVar("T")

Done = Callable[[Outcome], None]
"""Told how a chunk's writing ended, on the event loop that asked for it; it must not raise."""

MAX_BATCH: Final = 512
MAX_BATCH_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoreLoad:
    """How busy the store is: facts for backpressure.

    `oldest_wait_s` is the age of the oldest chunk not yet stored (0: none waits),
    `last_latency_s` how long the slowest chunk of the last batch took.
    """

    unstored_chunks: int
    unstored_bytes: int
    oldest_wait_s: float
    last_latency_s: float


@dataclass(slots=True, eq=False)
class _Call:
    work: Work[Any]
    after: Callable[[Any], None] | None
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class _Waiting:
    write: ChunkWrite
    done: Done
    loop: asyncio.AbstractEventLoop
    since: float
    size: int


_Item = _Call | _Waiting


class Writer:
    """Owns the writing connection and the thread `scribe-write`."""

    def __init__(
        self,
        database: Database,
        append: Append,
        hot: HotSessions,
        clock: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._append = append
        self._hot = hot
        self._clock = clock
        self._monotonic = monotonic
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._bytes_lock = threading.Lock()
        self._latency = 0.0
        # A daemon: a process that fails without closing the store must end. What is queued then
        # was never acked.
        self._thread = threading.Thread(target=self._run, name="scribe-write", daemon=True)
        self._thread.start()

    def store(self, write: ChunkWrite, done: Done) -> None:
        """Queue a chunk; `done` is called when the chunk is durable or refused."""
        loop = asyncio.get_running_loop()
        item = _Waiting(write, done, loop, self._monotonic(), len(write.payload))
        with self._bytes_lock:
            self._bytes += item.size
        self._waiting.append(item)
        self._queue.put(item)

    def call(self, work: Work[T], after: Callable[[T], None] | None = None) -> Awaitable[T]:
        """Run `work` in a write transaction on the thread, then `after` with its result.

        The awaitable is done after the commit; `after` runs on the thread before it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Call(work, after, future, loop))
        return future

    def load(self) -> StoreLoad:
        """How busy the thread is just now."""
        try:
            oldest = self._monotonic() - self._waiting[0].since
        except IndexError:
            oldest = 0.0
        return StoreLoad(len(self._waiting), self._bytes, oldest, self._latency)

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        with self._database.writing_connection() as connection:
            going_on = True
            while going_on:
                going_on, chunks, calls = self._gather()
                if chunks:
                    self._store(connection, chunks)
                if calls:
                    _run_calls(connection, calls)
                _deliver(chunks, calls)

    def _gather(self) -> tuple[bool, list[_Waiting], list[_Call]]:
        """All that has arrived (at least one item), and whether there is more to come."""
        chunks: list[_Waiting] = []
        calls: list[_Call] = []
        size = 0
        item = self._queue.get()
        while item is not None:
            if isinstance(item, _Call):
                calls.append(item)
            else:
                chunks.append(item)
                size += item.size
            if len(chunks) + len(calls) >= MAX_BATCH or size >= MAX_BATCH_BYTES:
                return True, chunks, calls
            try:
                item = self._queue.get_nowait()
            except Empty:
                return True, chunks, calls
        return False, chunks, calls

    def _store(self, connection: Connection, items: Sequence[_Waiting]) -> None:
        writes = [item.write for item in items]
        try:
            store_batch(connection, writes, self._append, self._hot, self._clock())
        except Exception:
            # A bug must cost one batch, never the thread that everyone waits for.
            log.exception("a batch of %d chunks met a bug", len(writes))
            for write in writes:
                write.outcome = ErrorCode.INTERNAL
        self._latency = self._monotonic() - items[0].since
        for item in items:
            item.write.payload = b""
            self._waiting.popleft()
        with self._bytes_lock:
            self._bytes -= sum(item.size for item in items)


def _run_calls(connection: Connection, calls: Sequence[_Call]) -> None:
    try:
        with begin(connection):
            for call in calls:
                _run_call(connection, call)
    except Exception as error:  # noqa: BLE001 - whoever waits for the call gets it
        for call in calls:
            call.error = call.error or error
        return
    for call in calls:
        _run_after(call)


def _run_after(call: _Call) -> None:
    if call.after is None or call.error is not None:
        return
    try:
        call.after(call.result)
    except Exception as error:  # noqa: BLE001 - whoever waits for the call gets it
        call.error = error


def _run_call(connection: Connection, call: _Call) -> None:
    try:
        with connection.begin_nested():
            call.result = call.work(connection)
    except DBAPIError as error:
        call.error = translate(error)
    except Exception as error:  # noqa: BLE001 - whoever waits for the call gets it
        call.error = error


def _deliver(chunks: Sequence[_Waiting], calls: Sequence[_Call]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Item]] = {}
    items: list[_Item] = [*chunks, *calls]
    for item in items:
        by_loop.setdefault(item.loop, []).append(item)
    for loop, done in by_loop.items():
        try:
            loop.call_soon_threadsafe(_resolve, done)
        except RuntimeError:
            log.info("nobody waits any more for %d results: their loop is closed", len(done))


def _resolve(items: Sequence[_Item]) -> None:
    for item in items:
        if isinstance(item, _Waiting):
            _tell(item)
        elif item.future.done():
            continue
        elif item.error is not None:
            item.future.set_exception(item.error)
        else:
            item.future.set_result(item.result)


def _tell(item: _Waiting) -> None:
    try:
        item.done(item.write.outcome)
    except Exception:  # the others of the batch must hear of theirs all the same
        log.exception("telling how a chunk's writing ended met a bug")
