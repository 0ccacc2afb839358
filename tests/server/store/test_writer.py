import asyncio
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, text

from scribe_server.ingest.chunks import to_write
from scribe_server.protocol import ChunkAck, ChunkError, ErrorCode
from scribe_server.store.batch import Outcome
from scribe_server.store.errors import DatabaseLostError, StorageFailedError
from scribe_server.store.files import Files
from scribe_server.store.schema import users
from scribe_server.tasks import Tasks
from tests.parts.damage import check
from tests.parts.failing_database import plant
from tests.parts.store import SESSION, FaultyFiles, Served, chunk_of, served


class SlowFiles(Files):
    """A disk whose sync waits for the test."""

    def __init__(self) -> None:
        self.syncing = threading.Event()
        self.go_on = threading.Event()
        self.writes: list[int] = []

    def write(self, descriptor: int, buffers: Sequence[bytes], offset: int) -> None:
        self.writes.append(len(buffers) // 2)
        super().write(descriptor, buffers, offset)

    def sync(self, descriptor: int) -> None:
        self.syncing.set()
        assert self.go_on.wait(20)
        super().sync(descriptor)


async def until(flag: threading.Event) -> None:
    for _ in range(2000):
        if flag.is_set():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen within 10 s")


def test_an_ack_comes_after_write_then_sync_then_commit(tmp_path: Path) -> None:
    files = FaultyFiles()

    async def scenario(server: Served) -> None:
        owner = server.owner()
        await server.record(owner, [0])
        engine = server.store.database._writer
        event.listen(engine, "commit", lambda _: files.diary.append("commit"))
        files.diary.clear()
        assert isinstance(await server.send(owner, chunk_of(1)), ChunkAck)
        files.diary.append("ack")

    with served(tmp_path, files=files) as server:
        asyncio.run(scenario(server))
        assert files.diary == ["write", "sync", "commit", "ack"]


def test_nothing_is_acked_while_the_disk_syncs_and_what_arrives_meanwhile_is_one_batch(
    tmp_path: Path,
) -> None:
    files = SlowFiles()

    async def scenario(server: Served) -> None:
        owner = server.owner()
        await server.start(owner)
        first = await _stored(server, 0)
        await until(files.syncing)
        rest = [await _stored(server, n) for n in range(1, 30)]
        load = server.ingest.load()
        assert (load.unstored_chunks, load.unstored_bytes > 29) == (30, True)
        assert load.oldest_wait_s > 0
        assert not first.done()
        files.go_on.set()
        outcomes = await asyncio.gather(first, *rest)
        assert [isinstance(outcome, ErrorCode) for outcome in outcomes] == [False] * 30
        load = server.ingest.load()
        assert (load.unstored_chunks, load.unstored_bytes, load.oldest_wait_s) == (0, 0, 0)
        assert load.last_latency_s > 0

    with served(tmp_path, files=files) as server:
        asyncio.run(scenario(server))
        assert files.writes == [1, 29]


async def _stored(server: Served, number: int) -> asyncio.Future[Outcome]:
    """Begin to store a chunk of a session in memory; what will be told of it."""
    session = server.store.hot.get(1, SESSION)
    assert session is not None
    told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    server.store.store_chunk(to_write(chunk_of(number), session), told.set_result)
    return told


def test_closing_stores_what_is_queued(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        owner = server.owner()
        await server.start(owner)
        for number in range(10):
            await _stored(server, number)
        server.store.close()

    with served(tmp_path) as server:
        asyncio.run(scenario(server))
    with served(tmp_path) as server:
        found = asyncio.run(server.store.sessions.chunks(server.owner(), SESSION))
        assert found is not None
        assert len(found.chunks) == 10


def test_a_caller_that_gave_up_does_not_disturb_the_others(tmp_path: Path) -> None:
    files = SlowFiles()

    async def scenario(server: Served) -> None:
        owner = server.owner()
        await server.start(owner)
        first = Tasks().spawn(server.send(owner, chunk_of(0)), "sending")
        second = Tasks().spawn(server.send(owner, chunk_of(1)), "sending")
        await until(files.syncing)
        first.cancel()
        files.go_on.set()
        assert isinstance(await second, ChunkAck)

    with served(tmp_path, files=files) as server:
        asyncio.run(scenario(server))


@pytest.mark.logs_errors
def test_a_bug_in_who_is_told_does_not_keep_the_news_from_the_others(tmp_path: Path) -> None:
    files = SlowFiles()

    def broken(_outcome: Outcome) -> None:
        raise RuntimeError("a bug")

    async def scenario(server: Served) -> None:
        await server.start(server.owner())
        first = await _stored(server, 0)
        await until(files.syncing)
        session = server.store.hot.get(1, SESSION)
        assert session is not None
        server.store.store_chunk(to_write(chunk_of(1), session), broken)
        last = await _stored(server, 2)
        files.go_on.set()
        outcomes = await asyncio.gather(first, last)
        assert [isinstance(outcome, ErrorCode) for outcome in outcomes] == [False, False]

    with served(tmp_path, files=files) as server:
        asyncio.run(scenario(server))


@pytest.mark.logs_errors
def test_a_bug_costs_one_batch_and_not_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a bug")

    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.start(owner))
        with monkeypatch.context() as patch:
            patch.setattr("scribe_server.store.writer.store_batch", broken)
            answer = asyncio.run(server.send(owner, chunk_of(0)))
        assert getattr(answer, "code", None) is ErrorCode.INTERNAL
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert isinstance(asyncio.run(server.send(owner, chunk_of(0))), ChunkAck)


@pytest.mark.logs_errors
def test_chunks_whose_rows_cannot_be_written_are_refused(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.start(owner))
        with server.store.database.transaction() as connection:
            connection.execute(text("ALTER TABLE chunks RENAME TO away"))
        answer = asyncio.run(server.send(owner, chunk_of(0)))
        assert getattr(answer, "code", None) is ErrorCode.STORAGE_FAILED
        with server.store.database.transaction() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO chunks"))
        ack = asyncio.run(server.send(owner, chunk_of(0)))
        assert isinstance(ack, ChunkAck)
        assert not ack.duplicate


def test_a_call_that_fails_takes_nothing_with_it_and_leaves_the_others(tmp_path: Path) -> None:
    def adding(name: str, *, fails: bool = False) -> Any:
        def work(connection: Connection) -> str:
            connection.execute(users.insert().values(name=name, created_at=0))
            if fails:
                raise ValueError("not this one")
            return name

        return work

    async def scenario(server: Served) -> list[Any]:
        return await asyncio.gather(
            server.store.write(adding("one")),
            server.store.write(adding("two", fails=True)),
            server.store.write(adding("one")),
            server.store.write(adding("three")),
            return_exceptions=True,
        )

    with served(tmp_path) as server:
        one, two, twice, three = asyncio.run(scenario(server))
        assert (one, three) == ("one", "three")
        assert isinstance(two, ValueError)
        assert isinstance(twice, StorageFailedError)
        with server.store.database.snapshot() as connection:
            names = connection.execute(select(users.c.name)).scalars().all()
        assert sorted(names) == ["one", "three"]


def test_what_comes_after_a_call_runs_after_its_commit_on_the_thread(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []

    async def scenario(server: Served) -> None:
        def after(result: int) -> None:
            with server.store.database.snapshot() as connection:
                there = connection.execute(select(users.c.name)).first() is not None
            seen.append((threading.current_thread().name, there))
            if result == 2:
                raise ValueError("after the commit")

        def add(connection: Connection) -> int:
            connection.execute(users.insert().values(name="one", created_at=0))
            return 1

        assert await server.store.write(add, after) == 1
        with pytest.raises(ValueError, match="after the commit"):
            await server.store.write(lambda _: 2, after)

    with served(tmp_path) as server:
        asyncio.run(scenario(server))
    assert seen == [("scribe-write", True)] * 2


def test_a_batch_has_a_bound_in_chunks_and_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scribe_server.store.writer.MAX_BATCH", 4)
    files = SlowFiles()

    async def scenario(server: Served) -> None:
        await server.start(server.owner())
        writes = [await _stored(server, 0)]
        await until(files.syncing)
        writes += [await _stored(server, n) for n in range(1, 11)]
        files.go_on.set()
        await asyncio.gather(*writes)

    with served(tmp_path, files=files) as server:
        asyncio.run(scenario(server))
    assert files.writes == [1, 4, 4, 2]


class Diary(SlowFiles):
    """Notes in the order in which the thread worked."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self.notes.append("chunk")


def test_chunks_do_not_wait_for_all_the_calls_that_came_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scribe_server.store.writer.MAX_CALLS", 2)
    files = Diary()

    async def scenario(server: Served) -> None:
        await server.start(server.owner())
        first = await _stored(server, 0)
        await until(files.syncing)
        calls = [server.store.write(lambda _: files.notes.append("call")) for _ in range(5)]
        waiting = [Tasks().spawn(call, "calling") for call in calls]
        await asyncio.sleep(0)
        second = await _stored(server, 1)
        files.go_on.set()
        await asyncio.gather(first, second, *waiting)

    with served(tmp_path, files=files) as server:
        asyncio.run(scenario(server))
    assert files.notes == ["chunk", "chunk", *["call"] * 5]


@pytest.mark.logs_errors
def test_a_sync_of_the_database_that_fails_is_no_ack_and_the_connection_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = plant(monkeypatch)
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        opened = faults.opened
        faults.commits = 1
        refused = asyncio.run(server.send(owner, chunk_of(1)))
        assert isinstance(refused, ChunkError)
        assert (refused.code, refused.retryable) == (ErrorCode.STORAGE_FAILED, True)
        again = asyncio.run(server.send(owner, chunk_of(1)))
        assert isinstance(again, ChunkAck)
        assert not again.duplicate
        assert (faults.fired, faults.opened) == (1, opened + 1)
    assert check(tmp_path).findings == []


@pytest.mark.logs_errors
def test_a_database_that_cannot_be_opened_again_refuses_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = plant(monkeypatch)
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        faults.commits, faults.openings = 1, 2
        answers = [asyncio.run(server.send(owner, chunk_of(1))) for _ in range(4)]
        assert [isinstance(answer, ChunkAck) for answer in answers] == [False] * 3 + [True]
        assert faults.fired == 3


@pytest.mark.logs_errors
def test_a_call_whose_commit_fails_has_failed_and_nothing_of_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = plant(monkeypatch)

    async def scenario(server: Served) -> list[Any]:
        def add(connection: Connection) -> None:
            connection.execute(users.insert().values(name="lost", created_at=0))

        faults.commits = 1
        (failed,) = await asyncio.gather(server.store.write(add), return_exceptions=True)
        await server.store.write(lambda _: None)
        return [failed, await server.store.database.read(names)]

    with served(tmp_path) as server:
        failed, found = asyncio.run(scenario(server))
    assert isinstance(failed, DatabaseLostError)
    assert found == []


@pytest.mark.logs_errors
def test_a_transaction_that_sqlite_gave_up_takes_the_calls_before_with_it(tmp_path: Path) -> None:
    """A full or failing disk makes SQLite roll back by itself; a commit then does nothing."""

    def add(connection: Connection) -> None:
        connection.execute(users.insert().values(name="lost", created_at=0))

    def break_off(connection: Connection) -> None:
        connection.connection.dbapi_connection.rollback()  # type: ignore[union-attr] - sqlite3's
        connection.exec_driver_sql("nonsense")

    async def scenario(server: Served) -> tuple[list[Any], list[str]]:
        calls = [server.store.write(add), server.store.write(break_off), server.store.write(add)]
        return await asyncio.gather(*calls, return_exceptions=True), (
            await server.store.database.read(names)
        )

    with served(tmp_path) as server:
        failed, found = asyncio.run(scenario(server))
        assert all(isinstance(error, StorageFailedError) for error in failed)
        assert found == []
        assert isinstance(asyncio.run(server.record(server.owner(), [0]))[0], ChunkAck)


def names(connection: Connection) -> list[str]:
    return list(connection.execute(select(users.c.name)).scalars())
