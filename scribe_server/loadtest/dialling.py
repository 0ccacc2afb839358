"""Connections of simulated recorders: made, remembered, made again when they are lost."""

import asyncio
import contextlib
import random
from typing import Final

from scribe_server.loadtest.backoff import delay_s
from scribe_server.loadtest.job import Counts, Job
from scribe_server.loadtest.recorder import Recorder
from scribe_server.loadtest.wire import Client, ConnectError
from scribe_server.protocol import PROTOCOL_VERSION
from scribe_server.tasks import Tasks

CLIENT: Final = "scribe-loadtest"
_FIRST_ATTEMPTS: Final = 6
_ANSWER_S: Final = 120.0
_UNREACHABLE: Final = "unreachable"


class Dialler:
    """Connects the recorders of one job, and again whenever a connection ends before `close`."""

    def __init__(self, job: Job, counts: Counts, rng: random.Random) -> None:
        self._job = job
        self._counts = counts
        self._rng = rng
        self._tasks = Tasks()
        self._clients: dict[int, Client] = {}
        self._dialling: dict[int, asyncio.Event] = {}
        self._ending = False

    def watch(self, recorder: Recorder) -> None:
        """Look after this recorder's connections from now on."""
        recorder.on_lost = lambda: self._lost(recorder)

    async def first(self, recorder: Recorder) -> None:
        """Connect and start the session.

        Raises:
            ConnectError: the server refuses, or cannot be reached again and again.
        """
        for failures in range(_FIRST_ATTEMPTS):
            try:
                await self._dial(recorder)
            except ConnectError as error:
                self._counts.failed_attempts += 1
                if error.code != _UNREACHABLE or failures + 1 == _FIRST_ATTEMPTS:
                    raise
                await asyncio.sleep(delay_s(failures, self._rng.uniform))
            else:
                break
        if recorder.refusal is not None:
            raise ConnectError(recorder.refusal, "the server refuses to start a session")

    async def close(self) -> None:
        """End all connections; none is made again."""
        self._ending = True
        for client in list(self._clients.values()):
            client.close()
        await self._tasks.drain(0)

    async def _dial(self, recorder: Recorder) -> None:
        """Connect, and start or resume the session; returns once the server has answered."""
        auth = {
            "token": self._job.token,
            "client": CLIENT,
            "protocol": PROTOCOL_VERSION,
            "deviceId": f"{CLIENT}-{self._job.plan.seed}-{recorder.index}",
        }
        over = self._dialling[recorder.index] = asyncio.Event()
        began = False

        def begin() -> None:
            nonlocal began
            began = True
            self._clients[recorder.index] = client
            self._counts.connections += 1
            over.set()

        try:
            client = await Client.connect(self._job.url, auth, recorder)
            recorder.on_ready = begin
            recorder.attach(client)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    await over.wait()
            if not began:
                client.cut()
                raise ConnectError(_UNREACHABLE, "start-session was not answered")
        finally:
            del self._dialling[recorder.index]

    def _lost(self, recorder: Recorder) -> None:
        recorder.on_settled()
        established = self._clients.pop(recorder.index, None)
        if (over := self._dialling.get(recorder.index)) is not None:
            over.set()
        if established is not None and not self._ending:
            self._counts.lost_connections += 1
            self._tasks.start(self._reconnect(recorder), "reconnect")

    async def _reconnect(self, recorder: Recorder) -> None:
        failures = 0
        while not self._ending:
            await asyncio.sleep(delay_s(failures, self._rng.uniform))
            try:
                await self._dial(recorder)
            except ConnectError as error:
                failures += 1
                self._counts.failed_attempts += 1
                if error.code != _UNREACHABLE:
                    self._counts.error(error.code)
            else:
                return
