import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scribe_server.backpressure import closed
from scribe_server.protocol import BackpressureReason
from scribe_server.sockets import flow, server
from tests.server.sockets.doubles import SESSION, TOKEN, Served


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ({"token": "wrong"}, "unauthorized"),
        ({}, "unauthorized"),
        ({"token": TOKEN, "protocol": 2}, "protocol_unsupported"),
        ({"token": 7}, "invalid_payload"),
        ([1], "invalid_payload"),
        ("x", "invalid_payload"),
    ],
)
def test_a_refused_connect_says_why_in_its_data(tmp_path: Path, auth: Any, code: str) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            answer = await (await served.client()).hello(auth)
            assert answer.startswith("44")
            refusal = json.loads(answer[2:])
            assert refusal["data"]["code"] == code
            assert refusal["data"]["message"] == refusal["message"]
            assert served.metrics.sockets == 0

    asyncio.run(scenario())


def test_the_welcome_tells_who_and_how_much(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path, max_queue_size=7) as served:
            client = await served.client()
            await client.hello()
            name, welcome = await client.event()
            assert name == "welcome"
            assert welcome == {
                "protocol": 1,
                "serverId": "server",
                "serverTime": 123,
                "userId": "ada",
                "canAccept": True,
                "window": 7,
                "limits": {
                    "maxChunkBytes": 10_485_760,
                    "chunkMs": 30_000,
                    "quotaBytesLeft": None,
                },
            }

    asyncio.run(scenario())


def test_a_flood_is_held_back_and_all_of_it_acknowledged(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path, max_queue_size=3) as served:
            client = await served.welcomed()
            served.ingest.open.clear()
            for sequence in range(20):
                await client.chunk(sequence)
            assert await client.event() == [
                "backpressure",
                {"canAccept": False, "reason": "queue", "retryAfterMs": 1000},
            ]
            served.ingest.open.set()
            events = []
            while sum(name == "chunk-ack" for name, _ in events) < 20:
                events.append(await client.event())
            assert {name for name, _ in events} == {"backpressure", "chunk-ack"}
            assert sorted(p["sequence"] for name, p in events if name == "chunk-ack") == list(
                range(20)
            )
            told = [p["canAccept"] for name, p in events if name == "backpressure"]
            assert told[-1] is True

    asyncio.run(scenario())


def test_a_client_that_is_not_read_for_long_keeps_its_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "TICK_S", 0.02)

    async def scenario() -> None:
        async with Served(tmp_path, max_queue_size=1) as served:
            engine = served.sockets._server.eio
            engine.ping_interval, engine.ping_timeout = 0.05, 0.2
            client = await served.welcomed()
            served.ingest.open.clear()
            for sequence in range(3):
                await client.chunk(sequence)
            pings = 0
            while pings < 12:  # each 0.05 s after the other: three times the time-out
                message = await asyncio.wait_for(client.socket.receive(), 10)
                assert message.type is aiohttp.WSMsgType.TEXT
                pings += message.data == "2"
            assert served.metrics.sockets == 1
            engine.ping_timeout = 20
            served.ingest.open.set()
            acked = 0
            while acked < 3:
                acked += (await client.event())[0] == "chunk-ack"

    asyncio.run(scenario())


def test_a_stalled_store_closes_the_server_and_its_recovery_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MEASURE_EVERY_S", 0.01)

    async def scenario() -> None:
        async with Served(tmp_path) as served:
            served.sockets.start()
            client = await served.welcomed()
            served.ingest.waited_s = 31.0
            assert (await client.event())[1]["reason"] == "store"
            await client.chunk(0)
            assert (await client.event())[1]["code"] == "busy"
            assert (await client.event())[1]["canAccept"] is False
            served.ingest.waited_s = 0.0
            assert await client.event() == ["backpressure", {"canAccept": True}]

    asyncio.run(scenario())


def test_room_that_the_disk_has_again_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MEASURE_EVERY_S", 0.01)

    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            served.sockets.gate.update(closed(BackpressureReason.DISK))
            assert (await client.event())[1]["reason"] == "disk"
            served.sockets.start()
            assert await asyncio.to_thread(served.ingest.room_set_aside.wait, 10)

    asyncio.run(scenario())


def test_draining_acknowledges_what_was_received_and_then_closes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            served.ingest.open.clear()
            await client.chunk(0)
            await client.chunk(1)
            await asyncio.sleep(0.05)
            asyncio.get_running_loop().call_later(0.05, served.ingest.open.set)
            await served.sockets.drain(5)
            await served.sockets.close()
            assert [(await client.event())[1]["sequence"] for _ in range(2)] == [0, 1]
            assert await client.next() == "1"
            assert await client.closed()

    asyncio.run(scenario())


def test_what_is_missing_since_it_was_acked_is_told_to_its_users_recorders_only(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            plain = await served.client()
            await plain.hello({"token": TOKEN})
            assert (await plain.event())[0] == "welcome"
            peers = list(served.sockets.gate.peers)
            user = peers[0].owner.user_id
            served.sockets.tell_incomplete(user + 1, SESSION, [(9, 9)])
            served.sockets.tell_incomplete(user, SESSION, [(0, 2)])
            assert await client.event() == [
                "session-incomplete",
                {"sessionId": SESSION, "missingRanges": [[0, 2]]},
            ]
            served.sockets.gate.update(closed(BackpressureReason.DISK))
            assert (await plain.event())[0] == "backpressure"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("max_unstored", "memory", "most"),
    [
        (None, 9 << 30, 3 << 30),
        (1 << 20, 9 << 30, 64 << 20),
        (256 << 20, 9 << 30, 1 << 30),
        (1 << 30, 9 << 30, 3 << 30),
        (1 << 20, 96 << 20, 32 << 20),
    ],
)
def test_what_may_be_on_its_way_in_is_a_share_of_the_memory_or_of_what_the_operator_allows(
    max_unstored: int | None, memory: int, most: int
) -> None:
    assert server.arriving_bytes(max_unstored, memory) == most
