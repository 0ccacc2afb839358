"""The one thread that writes: chunks in group commits, everything else call by call.

While a batch is made durable the next one gathers; there is no timer. The event loop is woken once
per batch. Chunks and calls wait apart, so that a thousand clients that come back at once and start
their sessions do not hold up the chunks of the others.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from scribe_server.protocol import ErrorCode
from scribe_server.store.batch import Append, ChunkWrite, Outcome, store_batch
from scribe_server.store.database import Database, Work, begin, has_transaction, translate
from scribe_server.store.hot import HotSessions

log = logging.getLogger(__name__)
T = TypeVar("T")

Done = Callable[[Outcome], None]
"""Told how a chunk's writing ended, on the event loop that asked for it; it must not raise."""

MAX_BATCH: Final = 512
MAX_CALLS: Final = 32
"""Calls between one batch of chunks and the next."""
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
        self._chunks: deque[_Waiting] = deque()
        self._calls: deque[_Call] = deque()
        self._woken = threading.Event()
        self._closing = False
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
        self._chunks.append(item)
        self._wake()

    def call(self, work: Work[T], after: Callable[[T], None] | None = None) -> Awaitable[T]:
        """Run `work` in a write transaction on the thread, then `after` with its result.

        The awaitable is done after the commit; `after` runs on the thread before it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._calls.append(_Call(work, after, future, loop))
        self._wake()
        return future

    def _wake(self) -> None:
        if not self._woken.is_set():
            self._woken.set()

    def load(self) -> StoreLoad:
        """How busy the thread is just now."""
        try:
            oldest = self._monotonic() - self._waiting[0].since
        except IndexError:
            oldest = 0.0
        return StoreLoad(len(self._waiting), self._bytes, oldest, self._latency)

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        self._closing = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        with self._database.writing_connection() as connection:
            while True:
                chunks, calls = self._gather()
                if not chunks and not calls and self._closing:
                    return
                if chunks:
                    self._store(connection, chunks)
                if calls:
                    _run_calls(connection, calls)
                _deliver(chunks, calls)

    def _gather(self) -> tuple[list[_Waiting], list[_Call]]:
        """What has arrived, within the bounds of one round; waits until there is something."""
        if not self._closing:
            self._woken.wait()
        # Cleared before the looking: what arrives during it wakes the next round.
        self._woken.clear()
        chunks: list[_Waiting] = []
        size = 0
        while self._chunks and len(chunks) < MAX_BATCH and size < MAX_BATCH_BYTES:
            chunks.append(self._chunks.popleft())
            size += chunks[-1].size
        calls = [self._calls.popleft() for _ in range(min(len(self._calls), MAX_CALLS))]
        if self._chunks or self._calls:
            self._woken.set()
        return chunks, calls

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
        if not has_transaction(connection):
            # With the transaction, the work of the calls before is gone too: all have failed.
            raise call.error from error
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
