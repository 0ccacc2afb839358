import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scribe_server.protocol import SessionStatus
from scribe_server.retention import requests
from scribe_server.retention.policy import DAY_MS
from scribe_server.retention.requests import RunRequest
from scribe_server.retention.run import Retention
from scribe_server.retention.runs import newest_run
from scribe_server.retention.worker import FIRST_PAUSE_S, LOOK_S, RetentionWorker, daily
from scribe_server.store.errors import StorageFailedError
from tests.parts.retention import RULES, complete, status_of
from tests.parts.store import START_MS, Served, served

BERLIN = ZoneInfo("Europe/Berlin")


def worker_of(server: Served, **options: object) -> RetentionWorker:
    retention = Retention(server.store, RULES, lambda: server.clock.now - START_MS)
    return RetentionWorker(server.store, retention, "UTC", **options)  # type: ignore[arg-type]


def runs(server: Served) -> int:
    with server.store.database.snapshot() as connection:
        row = newest_run(connection)
    return 0 if row is None else int(row.id)


def test_it_is_time_at_two_oclock_where_the_people_are() -> None:
    trigger = daily("Europe/Berlin")
    for day, hour in ((20, 3), (28, 3), (29, 4)):  # clocks go on on the 29th of March 2026
        after = datetime(2026, 3, day, hour, tzinfo=BERLIN)
        following = trigger.get_next_fire_time(None, after)
        assert following is not None
        assert following.date() == after.date() + timedelta(days=1)
        assert following.hour in {2, 3}


def test_a_server_runs_it_soon_after_its_start_when_the_last_good_run_is_long_ago(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        asyncio.run(worker_of(server).look())
        assert runs(server) == 1
        server.clock.now += DAY_MS // 2
        asyncio.run(worker_of(server).look())
        assert runs(server) == 1
        server.clock.now += DAY_MS
        asyncio.run(worker_of(server).look())
        assert runs(server) == 2


def test_what_is_due_several_times_is_one_run(tmp_path: Path) -> None:
    async def scenario(worker: RetentionWorker) -> None:
        await worker.look()
        await worker.look()
        for _ in range(3):
            await worker.wake()
        await worker.look()
        await worker.look()

    with served(tmp_path) as server:
        asyncio.run(scenario(worker_of(server)))
        assert runs(server) == 2


@pytest.mark.logs_errors
def test_a_request_is_met_and_may_vouch_for_the_clock(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        retention = Retention(server.store, RULES, lambda: 0)
        worker = RetentionWorker(server.store, retention, "UTC")
        asyncio.run(worker.look())
        server.clock.now += 400 * DAY_MS
        for right, status in ((False, SessionStatus.COMPLETE), (True, SessionStatus.ARCHIVED)):
            with server.store.database.transaction() as connection:
                number = requests.ask(connection, RunRequest(right), 1)
            asyncio.run(worker.look())
            assert status_of(server) is status
            with server.store.database.snapshot() as connection:
                assert not requests.is_waiting(connection, number)


@pytest.mark.logs_errors
def test_it_goes_on_after_the_database_failed_and_ends_when_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    failures = iter([True, False, False])

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 4:
            raise asyncio.CancelledError

    async def look(worker: RetentionWorker) -> None:
        if next(failures):
            raise StorageFailedError("the disk")
        await look_for_real(worker)

    look_for_real = RetentionWorker.look
    monkeypatch.setattr(RetentionWorker, "look", look)
    with served(tmp_path) as server:
        worker = worker_of(server, sleep=sleep)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(worker.run())
        assert waits == [FIRST_PAUSE_S, LOOK_S, LOOK_S, LOOK_S]
        assert runs(server) == 1
        assert worker._retention._mover._stopping.is_set()
