import asyncio
from pathlib import Path

import pytest

from scribe_server.sockets import engine
from scribe_server.sockets.websocket import WebSocket
from tests.server.sockets.doubles import OTHER, SESSION, Served

MALFORMED = [
    ["zzzz"],
    ["4"],
    ["49"],
    ["44{}"],
    ["42"],
    ['42["start-session"'],
    ["42[]"],
    ["42{}"],
    ["42[7]"],
    ['42/admin,["start-session"]'],
    ['42["x",' + "[" * 100_000 + "]" * 100_000 + "]"],
    ["4" + "[" * 100_000],
    ["3" + "[" * 100_000],
    ['451-["audio-chunk",{"_placeholder":true,"num":7}]', b"x"],
    ['451-["audio-chunk",{}]', b"x"],
    ['451-["audio-chunk",{"_placeholder":true,"num":0}]', '42["start-session",{}]'],
    ['4510000000-["audio-chunk",{"_placeholder":true,"num":0}]', b"x"],
    [b"unannounced"],
    [b""],
    ["40{}"],
    ["40/" + "x" * 5000],
]


@pytest.mark.parametrize("packets", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_packet_closes_its_socket_and_no_other(
    tmp_path: Path, packets: list[str | bytes]
) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            good, bad = await served.welcomed(), await served.welcomed()
            for packet in packets:
                if isinstance(packet, bytes):
                    await bad.socket.send_bytes(packet)
                else:
                    await bad.socket.send_str(packet)
            assert await bad.closed()
            await good.chunk(0)
            assert (await good.event())[0] == "chunk-ack"
            await served.until(lambda: served.metrics.sockets == 1)

    asyncio.run(scenario())


def test_events_before_connect_close_the_socket(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.client()
            await client.socket.send_str('42["start-session",{}]')
            assert await client.closed()
            assert served.ingest.started == []

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["connect", "disconnect", "__proto__", "nonsense"])
def test_reserved_and_unknown_event_names_do_nothing(tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            await client.socket.send_str(f'42["{name}",1]')
            await client.socket.send_str("43999[1]")
            await client.chunk(0)
            assert (await client.event())[0] == "chunk-ack"

    asyncio.run(scenario())


def test_another_namespace_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            await client.socket.send_str("40/admin,")
            assert (await client.next()).startswith("44/admin,")

    asyncio.run(scenario())


def test_a_socket_that_never_sends_connect_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "CONNECT_TIMEOUT_S", 0.05)

    async def scenario() -> None:
        async with Served(tmp_path) as served:
            silent, left, good = (
                await served.client(),
                await served.welcomed(),
                await served.welcomed(),
            )
            await left.socket.send_str("41")
            assert await silent.closed()
            assert await left.closed()
            await good.chunk(0)
            assert (await good.event())[0] == "chunk-ack"

    asyncio.run(scenario())


def test_the_oldest_silent_socket_makes_room_for_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_PENDING", 2)

    async def scenario() -> None:
        async with Served(tmp_path) as served:
            silent = [await served.client() for _ in range(3)]
            assert await silent[0].closed()
            assert (await silent[2].hello()).startswith("40")

    asyncio.run(scenario())


def test_a_client_that_does_not_read_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_UNREAD_PACKETS", 1)

    async def never(_self: WebSocket, _message: str | bytes) -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        async with Served(tmp_path) as served:
            client = await served.welcomed()
            monkeypatch.setattr(WebSocket, "unsent", lambda _self: 1)
            monkeypatch.setattr(WebSocket, "send", never)
            for sequence in range(8):
                await client.chunk(sequence)
            assert await client.closed()
            await served.until(lambda: served.metrics.sockets == 0)

    asyncio.run(scenario())


def test_the_older_socket_of_a_device_is_told_and_closed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            start = f'42["start-session",{{"sessionId":"{SESSION}"}}]'
            old, new = await served.welcomed(), await served.welcomed()
            for client in (old, new):
                await client.socket.send_str(start)
                assert (await client.event())[0] == "session-started"
            event = await old.event()
            assert (event[0], event[1]["code"]) == ("session-error", "superseded")
            assert await old.next() == "41"
            assert await old.closed()

    asyncio.run(scenario())


def test_an_older_socket_with_another_session_stays_open(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Served(tmp_path) as served:
            old, new = await served.welcomed(), await served.welcomed()
            for client, session in ((old, SESSION), (old, OTHER), (new, SESSION)):
                await client.socket.send_str(f'42["start-session",{{"sessionId":"{session}"}}]')
                assert (await client.event())[0] == "session-started"
            assert (await old.event())[1]["code"] == "superseded"
            await old.socket.send_str(f'42["pause-session",{{"sessionId":"{OTHER}"}}]')
            assert (await old.event())[0] == "session-paused"

    asyncio.run(scenario())
