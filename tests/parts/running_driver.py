"""A sync driver on a loop of the test, against a server in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from scribe_desktop.model import SyncState, SyncStatus
from scribe_desktop.spool import Spool
from scribe_desktop.sync.driver import Driver, Surroundings
from scribe_desktop.sync.identity import Identities
from scribe_desktop.sync.target import ServerTarget
from tests.parts.fake_server import FakeServer

TARGET = ServerTarget("http://127.0.0.1:1", "token")


class Bench:
    """The driver, its spool and its server, and what the driver said."""

    def __init__(self, folder: Path, server: FakeServer) -> None:
        self.server = server
        self.spool = Spool.open(folder)
        Identities(self.spool).pin(TARGET, server.identity)
        self.statuses: list[SyncStatus] = []
        self.changed: list[str] = []
        self.asked_of_chance: list[tuple[float, float]] = []
        self.driver = Driver(
            self.spool,
            Surroundings(
                device_id="device",
                on_status=self.statuses.append,
                on_session=self.changed.append,
                clock=lambda: 10_000,
                make_connection=server.connection,
                uniform=self._uniform,
                new_id=lambda: "99999999-9999-4999-8999-999999999999",
            ),
        )

    @property
    def status(self) -> SyncStatus:
        return self.statuses[-1]

    def _uniform(self, low: float, high: float) -> float:
        self.asked_of_chance.append((low, high))
        return high / 50  # a quick test

    async def until(self, holds: Callable[[], bool], *, timeout_s: float = 100.0) -> None:
        """Let the loop run until something holds."""
        async with asyncio.timeout(timeout_s):
            while not holds():  # noqa: ASYNC110 - any fact may be waited for, not all have events
                await asyncio.sleep(0.002)

    async def until_idle(self) -> None:
        """Let the loop run until all is delivered and proven."""
        await self.until(
            lambda: (
                bool(self.statuses)
                and self.status.state is SyncState.IDLE
                and self.status.awaiting_receipt == 0
            )
        )


@asynccontextmanager
async def bench(folder: Path, server: FakeServer | None = None) -> AsyncIterator[Bench]:
    """A driver without a target yet; everything is closed at the end and no task is left."""
    made = Bench(folder, server or FakeServer())
    made.driver.begin()
    try:
        yield made
    finally:
        await made.driver.close()
        made.spool.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert left == set(), left
