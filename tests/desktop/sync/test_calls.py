import asyncio
from pathlib import Path
from typing import Any

from scribe_desktop.sync.link import ConnectionFactory, NoWebSocketError, Patience
from scribe_server import protocol
from tests.parts.fake_server import FakeConnection, FakeServer
from tests.parts.filled_spool import add_session, session_id_of
from tests.parts.jumping_loop import run_jumping
from tests.parts.running_driver import TARGET, bench


class NoUpgrade(FakeConnection):
    """Behind a proxy that lets plain HTTP through and nothing else."""

    async def connect(
        self, origin: str, auth: protocol.ConnectAuth, patience: Patience, *, polling: bool
    ) -> None:
        if not polling:
            self._server.attempts += 1
            raise NoWebSocketError("out of reach", "no upgrade")
        await super().connect(origin, auth, patience, polling=polling)


def test_polling_is_tried_where_websocket_does_not_get_through(tmp_path: Path) -> None:
    class Proxied(FakeServer):
        def connection(self, *callbacks: Any) -> FakeConnection:
            return NoUpgrade(self, *callbacks)

    async def main() -> None:
        async with bench(tmp_path, Proxied()) as made:
            add_session(made.spool, session_id_of(1), chunks=1)
            made.driver.set_target(TARGET)
            await made.until_idle()
            assert made.server.attempts == 2

    run_jumping(main())


def test_events_of_an_ended_connection_reach_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        heard: list[Any] = []
        server = FakeServer()
        factory: ConnectionFactory = server.connection

        def tapped(on_event: Any, on_down: Any) -> FakeConnection:
            heard.append(on_event)
            made = factory(on_event, on_down)
            assert isinstance(made, FakeConnection)
            return made

        server.connection = tapped  # type: ignore[method-assign]  # to keep the callbacks
        async with bench(tmp_path, server) as made:
            made.driver.set_target(TARGET)
            await made.until(lambda: bool(made.server.connections))
            made.driver.set_target(None)
            await asyncio.sleep(0.1)
            heard[0]("chunk-ack", {"nonsense": True})
            assert made.status.error == ""

    run_jumping(main())


def test_a_new_target_ends_an_attempt_that_is_under_way(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as made:
            made.driver.set_target(TARGET)
            made.driver.set_target(TARGET)
            await made.until(lambda: made.server.attempts == 2)
            await made.until_idle()
            assert len(made.server.connections) == 1

    run_jumping(main())
