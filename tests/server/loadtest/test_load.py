"""A worker's sessions against a real server in this process."""

import asyncio
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scribe_server.app import Server
from scribe_server.config import ServerConfig
from scribe_server.loadtest.job import Behaviour, Connected, Drained, FromWorker, Job, Result
from scribe_server.loadtest.load import Load
from scribe_server.loadtest.plan import Pace, Plan
from scribe_server.loadtest.wire import ConnectError
from tests.parts.loadtest import plan

TOKEN = "scribe_token-of-this-load"
VARIANTS = [bytes.fromhex("1a45dfa387428284") + b"webm" + b"x" * 1000]


def loaded(
    folder: Path,
    wanted: Plan,
    behaviour: Behaviour | None = None,
    *,
    token: str = TOKEN,
    user_id: str | None = None,
    tell: Callable[[FromWorker], None] = lambda _message: None,
    **step: int,
) -> Result:
    async def run() -> Result:
        config = ServerConfig(folder, folder, folder, port=0)
        async with asyncio.timeout(25), Server(config, child_token=TOKEN) as server:
            part = {"first": 0, "step": 1, **step}
            job = Job(
                url=server.url, token=token, user_id=user_id, plan=wanted,
                behaviour=behaviour or Behaviour(), variants=[], connects_per_s=1000.0,
                drain_s=10.0, **part,
            )  # fmt: skip
            go: asyncio.Future[float] = asyncio.get_running_loop().create_future()
            go.set_result(0.0)
            return await Load(job, VARIANTS, tell).run(go)

    return asyncio.run(run())


def times(data: bytes) -> Any:
    found = array("d")
    found.frombytes(data)
    return found


def test_every_chunk_is_sent_by_the_schedule_and_every_session_gets_its_receipt(
    tmp_path: Path,
) -> None:
    told: list[FromWorker] = []
    result = loaded(tmp_path, plan(sessions=3, chunks=4), tell=told.append)
    assert (result.counts.recorded, result.counts.acked, result.counts.errors) == (12, 12, {})
    assert len(times(result.latencies)) == len(times(result.slips)) == 12
    assert all(slip >= 0 for slip in times(result.slips))
    assert [session.unacked for session in result.sessions] == [[], [], []]
    assert all(session.receipt is not None for session in result.sessions)
    assert [type(message) for message in told if isinstance(message, Connected | Drained)] == [
        Connected, Drained,
    ]  # fmt: skip


def test_a_worker_takes_its_own_sessions_only(tmp_path: Path) -> None:
    result = loaded(tmp_path, plan(sessions=5, chunks=1), first=1, step=2)
    assert [session.index for session in result.sessions] == [1, 3]


def test_cut_connections_come_back_and_nothing_is_lost(tmp_path: Path) -> None:
    result = loaded(tmp_path, plan(sessions=2, chunks=8), Behaviour(cuts=2))
    counts = result.counts
    assert (counts.cut, counts.lost_connections, counts.acked) == (4, 4, 16)
    assert counts.connections == 6
    assert counts.stored_twice == 0
    assert all(session.receipt is not None for session in result.sessions)


def test_a_herd_is_cut_at_half_time_and_comes_back(tmp_path: Path) -> None:
    result = loaded(tmp_path, plan(sessions=3, chunks=6), Behaviour(herd=2))
    assert (result.herd.size, len(result.herd.connected_at)) == (2, 2)
    assert result.counts.acked == 18


def test_replays_come_back_as_duplicates(tmp_path: Path) -> None:
    result = loaded(tmp_path, plan(chunks=6), Behaviour(replay_every=2))
    counts = result.counts
    assert (counts.acked, counts.sent_again, counts.acked_as_duplicates) == (6, 3, 3)
    assert counts.stored_twice == 0


def test_a_flood_ends_with_its_time(tmp_path: Path) -> None:
    result = loaded(tmp_path, plan(pace=Pace.FLOOD, chunks=None, seconds=0.3))
    assert result.counts.acked == result.counts.recorded > 0
    assert result.sessions[0].receipt is not None


def test_a_session_without_a_due_chunk_asks_for_no_receipt(tmp_path: Path) -> None:
    quiet = plan(sessions=4, pace=Pace.RATE, rate=1.0, chunks=None, seconds=0.2)
    result = loaded(tmp_path, quiet)
    assert [session.asked_for_receipt for session in result.sessions] == [
        session.recorded > 0 for session in result.sessions
    ]
    assert result.counts.errors == {}


def test_a_token_that_is_refused_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConnectError) as caught:
        loaded(tmp_path, plan(), token="scribe_another-token-altogether")
    assert caught.value.code == "unauthorized"


def test_somebody_elses_session_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConnectError) as caught:
        loaded(tmp_path, plan(), user_id="somebody else")
    assert caught.value.code == "not_found"
