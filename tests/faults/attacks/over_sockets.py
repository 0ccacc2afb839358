"""Attacks over WebSockets: nonsense, floods, silence. Each gives how much it has tried."""

import asyncio
import contextlib
import json
import os
import random
import uuid
from collections import Counter
from typing import Any

from tests.faults.attacks.hostile import (
    EVENTS,
    FALSE_TOKENS,
    PACKETS,
    PAYLOADS,
    PLACEHOLDER,
    SEQUENCES,
    SESSION_IDS,
    SHA256,
    random_frame,
)
from tests.faults.attacks.raw import BINARY, CONTINUATION, PING, PONG, RawConnection, frame
from tests.faults.attacks.target import Target
from tests.parts.raw_client import RawClient

REFUSED = ("session-error", "chunk-error")
EVENTS_IN_A_FLOOD = 20_000
SILENT = 200
HALF_FRAMES = 60
FLOOD_S = 1
MEBIBYTE = 1 << 20


async def malformed_packets(target: Target) -> int:
    """Each ends its own connection and no other."""
    for name, packets in PACKETS.items():
        async with RawClient.connected(target.url, target.bad) as bad:
            with contextlib.suppress(ConnectionError):  # it may end while we still send
                for packet in packets:
                    await bad.send(packet)
            assert await bad.ended(), name
    return len(PACKETS)


async def wrong_fields(target: Target) -> int:
    """Each is answered with invalid_payload, and the connection goes on."""
    session, tried = str(uuid.uuid4()), 0
    async with RawClient.connected(target.url, target.bad) as bad:
        for wrong in SESSION_IDS:
            await bad.emit("start-session", {"sessionId": wrong})
            assert (await bad.expect("session-error"))["code"] == "invalid_payload", wrong
            tried += 1
        await bad.start(session)
        fields = [("sequence", wrong) for wrong in SEQUENCES]
        fields += [("sha256", wrong) for wrong in SHA256]
        fields += [("sessionId", wrong) for wrong in SESSION_IDS]
        for field, wrong in fields:
            await _send_chunk(bad, {"sessionId": session, "sequence": 0, field: wrong})
            error = await bad.expect(*REFUSED)
            assert error["code"] == "invalid_payload", (field, wrong)
            tried += 1
        for wrong in PAYLOADS:
            for event in EVENTS:
                await bad.emit(event, wrong)
                error = await bad.expect(*REFUSED)
                assert error["code"] == "invalid_payload", (event, wrong)
                tried += 1
        await bad.deliver(session, 0, b"still fine")
    return tried


async def _send_chunk(client: RawClient, payload: dict[str, Any]) -> None:
    text = json.dumps(["audio-chunk", {**payload, "audio": json.loads(PLACEHOLDER)}])
    await client.send(f"451-{text}")
    await client.send(b"x")


async def random_frames(target: Target) -> int:
    """Whatever they do to their own connections."""
    chance, connections, frames = random.Random(target.pid), 60, 5
    print(f"random frames: seed {target.pid}")
    for _ in range(connections):
        async with RawClient.connected(target.url, target.bad) as bad:
            with contextlib.suppress(ConnectionError):
                for _ in range(frames):
                    await bad.send(random_frame(chance))
    return connections * frames


async def false_tokens(target: Target) -> int:
    """None opens anything, and what is sent after the refusal is not listened to."""
    cut = [target.good[:-1], target.good[: len(target.good) // 2]]
    changed = [target.good[:-1] + ("a" if target.good[-1] != "a" else "b"), target.good.upper()]
    tokens = [*FALSE_TOKENS, *cut, *changed, *target.dead]
    for token in tokens:
        async with RawClient.open(target.url) as bad:
            await bad.send("40" + json.dumps({"token": token}))
            code = (await bad.expect("connect_error"))["data"]["code"]
            assert code in {"unauthorized", "token_expired", "invalid_payload"}, token
            await bad.send('42["sync-check",{"sessions":[]}]')
            assert await bad.ended()
            assert bad.events == []
    return len(tokens)


async def replays(target: Target) -> int:
    """A recorded chunk stores nothing twice, and nothing at all for another user."""
    session, audio, times = str(uuid.uuid4()), os.urandom(5_000), 10
    async with (
        RawClient.connected(target.url, target.good) as owner,
        RawClient.connected(target.url, target.bad) as other,
    ):
        await owner.start(session)
        await owner.deliver(session, 0, audio)
        seen: Counter[str] = Counter()
        for _ in range(times):
            await owner.send_chunk(session, 0, audio)
            answer = await owner.expect("chunk-ack", "chunk-error")
            seen[answer.get("code", "duplicate" if answer.get("duplicate") else "stored")] += 1
            await other.send_chunk(session, 0, audio)
            assert (await other.expect(*REFUSED))["code"] == "not_found"
        assert seen == {"duplicate": 3, "rate_limited": times - 3}, seen
        await owner.send_chunk(session, 0, audio[::-1])
        assert (await owner.expect("chunk-error", "chunk-ack"))["code"] == "conflict"
    return 2 * times + 1


async def event_flood(target: Target) -> int:
    """20 000 events at once, most of them cheap: each that asks for an answer gets one."""
    nonsense: list[tuple[str, object]] = [
        ("no-such-event", {"sessionId": "x"}),
        ("start-session", {"sessionId": "x" * 90}),
    ]
    questions: list[tuple[str, object]] = [
        ("sync-check", {"sessions": []}),
        ("stop-session", {"sessionId": str(uuid.uuid4())}),
    ]
    texts = ["42" + json.dumps(event) for event in nonsense * 9 + questions]
    rounds = EVENTS_IN_A_FLOOD // len(texts)
    async with RawClient.connected(target.url, target.bad) as bad:

        async def send() -> None:
            for number in range(EVENTS_IN_A_FLOOD):
                await bad.send(texts[number % len(texts)])

        answers: Counter[str] = Counter()
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(send())
            while answers.total() < 11 * rounds:
                event = await bad.receive()
                assert event is not None, answers
                answers[event[0]] += 1
    assert answers == {"session-error": 10 * rounds, "sync-state": rounds}
    return EVENTS_IN_A_FLOOD


async def ignoring_backpressure(target: Target) -> int:
    """Chunks without waiting for anything: all are stored, and held back meanwhile."""
    sockets, chunks, size = 4, 60, 200_000

    async def flood() -> None:
        session, audio = str(uuid.uuid4()), os.urandom(size)
        async with RawClient.connected(target.url, target.bad) as bad:
            await bad.start(session)

            async def send() -> None:
                for sequence in range(chunks):
                    await bad.send_chunk(session, sequence, audio)

            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                group.create_task(send())
                for _ in range(chunks):
                    assert "sha256" in await bad.expect("chunk-ack", "chunk-error")

    await asyncio.gather(*(flood() for _ in range(sockets)))
    return sockets * chunks


async def never_reading(target: Target) -> int:
    """Who asks for ever and reads nothing is cut."""
    tried, question = 0, frame(b'42["start-session",{"sessionId":"' + b"x" * 90 + b'"}]')
    async with RawConnection.open(target.url) as deaf, asyncio.timeout(60):
        await deaf.upgrade(target.bad)
        with contextlib.suppress(ConnectionError):
            while True:
                await deaf.send(question * 100)
                tried += 100
    assert tried
    return tried


async def control_frames(target: Target) -> int:
    """Pings, pongs and empty fragments without end, from somebody who reads nothing."""
    fragment = frame(b"", kind=CONTINUATION, last=False)
    floods = [
        (b"", frame(b"x" * 100, kind=PING)),
        (b"", frame(b"x" * 100, kind=PONG)),
        (frame(b"4", last=False), fragment),
    ]
    tried = 0
    for first, each in floods:
        async with RawConnection.open(target.url) as bad:
            await bad.upgrade(target.bad)
            await bad.send(first)
            with contextlib.suppress(ConnectionError, TimeoutError):  # it need not be read at all
                async with asyncio.timeout(FLOOD_S):
                    for _ in range(100):
                        await bad.send(each * 1_000)
                        tried += 1_000
    return tried


async def half_frames(target: Target) -> int:
    """Nine of ten announced megabytes, from strangers and from a user: memory stays bounded."""
    part = frame(bytes(9 * MEBIBYTE), kind=BINARY, announced=10 * MEBIBYTE)
    for token in (None, target.bad):
        async with contextlib.AsyncExitStack() as stack:
            sockets = [
                await stack.enter_async_context(RawConnection.open(target.url))
                for _ in range(HALF_FRAMES)
            ]
            for each in sockets:
                await each.upgrade(token)
                with contextlib.suppress(ConnectionError):  # that it is cut is right
                    await each.send(part)
    return 2 * HALF_FRAMES


async def silent_sockets(target: Target) -> int:
    """Sockets that never CONNECT are ended; some of them trickle a frame."""

    async def trickle(socket: RawConnection) -> None:
        with contextlib.suppress(ConnectionError):
            await socket.send(frame(b"40", announced=60_000))
            while True:
                await asyncio.sleep(1)
                await socket.send(b"x")

    async with contextlib.AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(RawConnection.open(target.url)) for _ in range(SILENT)
        ]
        await asyncio.gather(*(socket.upgrade() for socket in sockets))
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            writers = [group.create_task(trickle(socket)) for socket in sockets[::4]]
            await asyncio.gather(*(socket.rest() for socket in sockets))
            for writer in writers:
                writer.cancel()
    return SILENT
