"""Attacks over plain HTTP: paths, bodies, headers, other people's sessions, and slowness."""

import asyncio
import contextlib
import json
import os
import re
import uuid
from typing import Any

from tests.faults.attacks.hostile import (
    BODIES,
    FOREIGN_HOST,
    FOREIGN_ORIGIN,
    PATHS,
    RANGES,
    REQUESTS,
)
from tests.faults.attacks.raw import RawConnection
from tests.faults.attacks.target import Target
from tests.parts.raw_client import RawClient
from tests.parts.rest import Reply, rest

SLOW = 200
SLOW_BODIES = 50
_OPEN = ("/", "/healthz", "/readyz", "/api/openapi.json", "/.well-known/scribe-keys.json")
_REFUSED = (b"HTTP/1.1 4", b"HTTP/1.0 4")
Operation = tuple[str, str]


async def strange_requests(target: Target) -> int:
    """Paths, bodies, ranges and bytes that are no requests: refused, never a 5xx."""
    session = await _session_of(target, b"anything")
    tried = 0
    for path in PATHS:
        reply = await _ask(target, path.replace("{id}", session), target.bad)
        assert 400 <= reply.status < 500, (path, reply)
        tried += 1
    for name, body in BODIES.items():
        with contextlib.suppress(OSError):  # ended while the body was sent
            reply = await _ask(
                target, f"/api/sessions/{session}", target.good, method="PATCH", body=body
            )
            assert 400 <= reply.status < 500, (name, reply)
        tried += 1
    for wanted in RANGES:
        reply = await _ask(
            target, f"/api/sessions/{session}/audio", target.good, headers={"Range": wanted}
        )
        assert reply.status in {200, 206, 400, 415, 416}, (wanted, reply.status)
        tried += 1
    for name, request in REQUESTS.items():
        async with RawConnection.open(target.url) as bad, asyncio.timeout(30):
            with contextlib.suppress(ConnectionError):
                answer = await bad.request(request)
                assert not answer or answer[:10] in _REFUSED, (name, answer[:200])
        tried += 1
    return tried


async def foreign_pages(target: Target) -> int:
    """Another site's Origin or Host opens nothing anywhere, also no WebSocket."""
    operations = [*(("get", path) for path in _OPEN), *await _operations(target)]
    operations.append(("get", "/socket.io/?EIO=4&transport=polling"))
    for method, path in operations:
        place = _filled(path, str(uuid.uuid4()))
        for headers in ({"Origin": FOREIGN_ORIGIN}, {"Origin": "null"}, {"Host": FOREIGN_HOST}):
            reply = await _ask(target, place, target.good, method=method.upper(), headers=headers)
            assert reply.status == 403, (method, path, headers, reply)
            assert "Access-Control-Allow-Origin" not in reply.headers
    upgrade = (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\n"
        f"Origin: {FOREIGN_ORIGIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with RawConnection.open(target.url) as page:
        await page.send(upgrade.format(host=page.host).encode())
        assert (await page.line()).startswith(b"HTTP/1.1 403")
    return 3 * len(operations) + 1


async def other_peoples_sessions(target: Target) -> int:
    """On every route and event another user's session looks like none, and nothing of it shows."""
    secret = os.urandom(16).hex()
    session = await _session_of(target, secret.encode(), title=secret)
    operations = await _operations(target)
    for method, path in operations:
        if "{id}" not in path:
            continue
        body = b'{"title":"Taken"}' if method == "patch" else None
        for name in {method.upper(), "HEAD" if method == "get" else method.upper()}:
            place = _filled(path, session)
            reply = await _ask(target, place, target.bad, method=name, body=body)
            assert reply.status == 404, (name, path, reply)
            unknown = _filled(path, str(uuid.uuid4()))
            other = await _ask(target, unknown, target.bad, method=name, body=body)
            assert (reply.status, reply.body) == (other.status, other.body), (name, path)
    general = [*_OPEN, *(path for _, path in operations if "{id}" not in path)]
    replies = [await _ask(target, path, target.bad) for path in general]
    answers: list[object] = [reply.body.decode(errors="replace") for reply in replies]
    assert session not in json.dumps(answers)
    answers += await _tried_over_sockets(target, session)
    for answer in answers:
        assert secret not in json.dumps(answer), answer
    kept = await _ask(target, f"/api/sessions/{session}/chunks/0", target.good)
    assert kept.body == secret.encode()
    return 2 * len(operations) + len(answers)


async def _tried_over_sockets(target: Target, session: str) -> list[object]:
    """Every event about somebody else's session; all that was answered.

    Raises:
        AssertionError: anything tells it from a session that nobody has.
    """
    answers, expected = [await _told(target, each) for each in (session, str(uuid.uuid4()))]
    assert [_masked(answer) for answer in answers] == [_masked(answer) for answer in expected]
    assert {answer["code"] for answer in answers if "code" in answer} == {"not_found"}
    return [*answers]


async def _told(target: Target, session: str) -> list[dict[str, Any]]:
    manifest = {"sessionId": session, "chunks": [], "gaps": [], "totalSamples": 0}
    have = {"sessionId": session, "have": [[0, 0]], "digest": "0" * 64}
    events = [
        *(("pause-session", {}), ("resume-session", {}), ("stop-session", {})),
        ("stop-session", {"manifest": manifest}),
        ("start-session", {"userId": "1"}),
        ("sync-check", {"sessions": [have]}),
        ("start-session", {}),
        ("sync-check", {"sessions": [have]}),
    ]
    async with RawClient.connected(target.url, target.bad) as bad:
        await bad.send_chunk(session, 0, b"forged")
        answers = [await bad.expect("chunk-error", "chunk-ack")]
        for event, fields in events:
            await bad.emit(event, {"sessionId": session, **fields})
            answers.append(await bad.expect("session-error", "session-started", "sync-state"))
        assert bad.events == []
    return [{"session": session, **answer} for answer in answers]


def _masked(answer: dict[str, Any]) -> str:
    """An answer without its session's id and its times (ms)."""
    text = json.dumps(answer).replace(answer["session"], "SESSION")
    return re.sub(r"\b\d{13}\b", "TIME", text)


async def slow_headers(target: Target) -> int:
    """Headers that never end, half of them with a byte a second: nobody waits for them."""

    async def slow(number: int) -> None:
        async with RawConnection.open(target.url) as bad, asyncio.TaskGroup() as group:
            await bad.send(f"GET / HTTP/1.1\r\nHost: {bad.host}\r\nX-Slow: ".encode())
            trickle = group.create_task(_trickle(bad)) if number % 2 else None
            assert await bad.rest() == b""
            if trickle is not None:
                trickle.cancel()

    async with asyncio.timeout(60):
        await asyncio.gather(*(slow(number) for number in range(SLOW)))
    return SLOW


async def slow_bodies(target: Target) -> int:
    """A body that trickles is not waited for; one of a poll holds nobody else up."""
    session = await _session_of(target, b"anything")
    head = (
        f"PATCH /api/sessions/{session} HTTP/1.1\r\nHost: {{host}}\r\n"
        f"Authorization: Bearer {target.good}\r\nContent-Length: 1000\r\n\r\n{{{{"
    )
    poll = (
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: {host}\r\n"
        "Content-Length: 60000\r\n\r\n40"
    )

    async def slow() -> None:
        async with RawConnection.open(target.url) as bad, asyncio.TaskGroup() as group:
            trickle = group.create_task(_trickle(bad))
            await bad.send(head.format(host=bad.host).encode())
            assert (await bad.line()).startswith(b"HTTP/1.1 408")
            trickle.cancel()

    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(60):
        for _ in range(SLOW_BODIES):
            opened = await _ask(target, "/socket.io/?EIO=4&transport=polling", None)
            sid = json.loads(opened.body[1:])["sid"]
            bad = await stack.enter_async_context(RawConnection.open(target.url))
            await bad.send(poll.format(sid=sid, host=bad.host).encode())
        await asyncio.gather(*(slow() for _ in range(SLOW_BODIES)))
    return 2 * SLOW_BODIES


async def _trickle(bad: RawConnection) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await asyncio.sleep(1)
            await bad.send(b"x")


# ------------------------------------------------------------------------------- helpers


async def _ask(target: Target, path: str, token: str | None, **options: Any) -> Reply:
    return await asyncio.to_thread(rest, target.url, path, token=token, **options)


async def _operations(target: Target) -> list[Operation]:
    document = (await _ask(target, "/api/openapi.json", None)).json
    return [(method, path) for path, found in document["paths"].items() for method in found]


def _filled(path: str, session: str) -> str:
    return path.replace("{id}", session).replace("{sequence}", "0")


async def _session_of(target: Target, audio: bytes, *, title: str = "Raw") -> str:
    """A session of the good user with one chunk."""
    session = str(uuid.uuid4())
    async with RawClient.connected(target.url, target.good) as owner:
        await owner.emit("start-session", {"sessionId": session, "title": title})
        await owner.expect("session-started")
        await owner.deliver(session, 0, audio)
    return session
