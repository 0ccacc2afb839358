"""Retention by itself, in a running server; the door to APScheduler.

A run begins daily at 02:00 in RETENTION_TIMEZONE, soon after the start when the last good run is
more than a day ago, and when a command asks for one. What comes together is one run.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from scribe_server.retention.requests import RunRequest, waiting, withdraw
from scribe_server.retention.run import Retention
from scribe_server.retention.runs import last_good_run
from scribe_server.store import Store
from scribe_server.store.errors import StorageError

if TYPE_CHECKING:
    from apscheduler.triggers.cron import CronTrigger

log = logging.getLogger(__name__)

HOUR: Final = 2
FIRST_PAUSE_S: Final = 60.0
"""A server that has just been started has other things to do."""
LOOK_S: Final = 5.0
_DAY_MS: Final = 86_400_000

Sleep = Callable[[float], Awaitable[object]]


def daily(timezone: str) -> "CronTrigger":
    """Every day at 02:00 in a time zone; where the clocks leave that out, when they go on."""
    from apscheduler.triggers.cron import CronTrigger

    return CronTrigger(hour=HOUR, timezone=ZoneInfo(timezone))


class RetentionWorker:
    """Runs retention when it is time.

    Args:
        store: whose sessions.
        retention: does it.
        timezone: an IANA name.
        sleep: asyncio's, in seconds.
    """

    def __init__(
        self, store: Store, retention: Retention, timezone: str, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._store = store
        self._retention = retention
        self._timezone = timezone
        self._sleep = sleep
        self._is_due = False
        self._is_first = True

    async def run(self) -> None:
        """Work until cancelled."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        scheduler = AsyncIOScheduler(timezone=ZoneInfo(self._timezone))
        # However late the process wakes up, and however often it was due: once.
        scheduler.add_job(self.wake, daily(self._timezone), coalesce=True, misfire_grace_time=None)
        scheduler.start()
        try:
            await self._work()
        finally:
            self._retention.stop()
            scheduler.shutdown(wait=False)

    async def wake(self) -> None:
        """Let the next look begin a run."""
        self._is_due = True

    async def _work(self) -> None:
        await self._sleep(FIRST_PAUSE_S)
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("retention: %s", error)
            await self._sleep(LOOK_S)

    async def look(self) -> None:
        """Run now if it is time, or somebody asked.

        Raises:
            StorageError: the database failed.
        """
        if self._is_first:
            last = await self._store.database.read(last_good_run)
            self._is_due |= last is None or self._store.clock() - last > _DAY_MS
            self._is_first = False
        requests = await self._store.database.read(waiting)
        if self._is_due or requests:
            self._is_due = False
            await self._run(requests)

    async def _run(self, requests: dict[int, RunRequest]) -> None:
        right = any(request.clock_is_right for request in requests.values())
        try:
            await self._retention.run(clock_is_right=right)
        finally:
            await self._store.write(lambda found: withdraw(found, requests))
