"""A desktop and a server that means no good: nothing is lost, filled, or asked without end."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scribe_desktop.errors import UnreachableError
from scribe_desktop.model import SyncState
from scribe_desktop.spool import Spool
from scribe_desktop.sync.engine import SyncEngine
from scribe_desktop.sync.events import LARGEST_WINDOW
from scribe_desktop.sync.forks import MOST_GENERATIONS
from scribe_desktop.sync.identity import Identities, Identity
from scribe_desktop.sync.link import MOST_EARLY, Patience
from scribe_desktop.sync.target import ServerTarget
from scribe_desktop.sync.transport import SocketIoConnection
from scribe_server.protocol import ConnectAuth
from tests.parts.filled_spool import add_session, new_chunk, session_id_of
from tests.parts.malicious_server import (
    SERVER_ID,
    Answer,
    MaliciousServer,
    endless_server,
    malicious_server,
)

pytestmark = pytest.mark.real
ONE, UNKNOWN = session_id_of(1), session_id_of(9)
CHUNKS = 100
MOST_TAKEN = 64 << 20
"""Bytes; what lies in the buffers of both sides counts, too."""
HUGE = 2**62
AUTH = ConnectAuth(token="t", client="c", protocol=1, device_id="d")
SHORT = Patience(connect_s=1.0, whole_s=1.0)


class Victim:
    """A real sync engine with a spool of its own, aimed at the server."""

    def __init__(self, folder: Path, server: MaliciousServer) -> None:
        self.server = server
        self.spool = Spool.open(folder)
        add_session(self.spool, ONE, chunks=CHUNKS)
        target = ServerTarget(server.origin, "token", local=True)
        Identities(self.spool).pin(target, Identity(SERVER_ID, "key", "00" * 32))
        self.engine = SyncEngine(
            spool_folder=folder,
            device_id="device",
            on_status=lambda _: None,
            on_session=lambda _: None,
        )
        self.engine.start()
        self.engine.set_target(target)

    async def until(self, holds: Callable[[], Any], *, what: str) -> None:
        try:
            async with asyncio.timeout(20):
                while not holds():  # noqa: ASYNC110 - any fact may be waited for
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{what}; {self.engine.status}") from None

    def acked(self) -> int:
        return CHUNKS - self.spool.pending()


@asynccontextmanager
async def attacked(folder: Path, answer: Answer, **welcome: Any) -> AsyncIterator[Victim]:
    async with malicious_server(answer, **welcome) as server:
        victim = Victim(folder, server)
        try:
            yield victim
        finally:
            await asyncio.to_thread(victim.engine.stop, 0.0)
            victim.spool.close()


def begun(name: str, data: Any) -> list[tuple[str, Any]]:
    """Honest about the beginning of sessions and the books, so that chunks come."""
    match name:
        case "start-session":
            started = {"sessionId": data["sessionId"], "status": "recording", "startedAt": 0}
            return [("session-started", {**started, "missingRanges": [], "maxSeq": -1})]
        case "sync-check":
            return [("sync-state", {"sessions": [books(each) for each in data["sessions"]]})]
    return []


def books(asked: dict[str, Any]) -> dict[str, Any]:
    same = {"sessionId": asked["sessionId"], "status": "recording", "match": True}
    return {**same, "stored": asked["have"], "maxSeq": -1, "receiptDigest": None}


def ack_of(session_id: str, sequence: int, sha256: str, **other: Any) -> tuple[str, Any]:
    honest = {
        "sessionId": session_id, "sequence": sequence, "timestamp": 0, "chunkId": "c",
        "duplicate": False, "canAccept": True, "sha256": sha256, "storedAt": 0, "window": 4,
    }  # fmt: skip
    return "chunk-ack", {**honest, **other}


def test_acks_that_cannot_be_true_deliver_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lies = [
        ack_of(ONE, CHUNKS - 1, new_chunk(ONE, CHUNKS - 1).sha256, window=HUGE),
        ack_of(ONE, 0, "0" * 64, window=HUGE),
        ack_of(ONE, -1, "0" * 64),
        ack_of(ONE, HUGE, "0" * 64),
        ack_of(UNKNOWN, 0, "0" * 64),
    ]

    def lie(_server: MaliciousServer, name: str, _sid: str, data: Any) -> list[tuple[str, Any]]:
        return lies * 20 if name == "audio-chunk" else begun(name, data)

    async def main() -> None:
        async with attacked(tmp_path, lie, window=HUGE) as victim:
            sent = victim.server.count
            await victim.until(lambda: sent("audio-chunk") >= LARGEST_WINDOW, what="a full window")
            await asyncio.sleep(0.3)
            assert sent("audio-chunk") <= LARGEST_WINDOW + 1
            assert victim.acked() == 0
            assert victim.engine.status.error_code == "hash_mismatch"

    asyncio.run(main())
    told = [r.getMessage() for r in caplog.records if "the server sent" in r.getMessage()]
    assert any("was not sent" in line for line in told)
    assert len(told) < 10


@pytest.mark.parametrize("retry_after_ms", [0, -HUGE, 1])
def test_a_server_that_never_accepts_is_shown_and_seldom_asked(
    tmp_path: Path, retry_after_ms: int
) -> None:
    no = ("backpressure", {"canAccept": False, "reason": "queue", "retryAfterMs": retry_after_ms})

    def refuse(_server: MaliciousServer, name: str, _sid: str, data: Any) -> list[tuple[str, Any]]:
        if name != "audio-chunk":
            return begun(name, data)
        busy = {"sessionId": ONE, "sequence": data["sequence"], "error": "no", "code": "busy"}
        refusal = {**busy, "retryable": True, "retryAfterMs": retry_after_ms}
        return [no, ("chunk-error", refusal), no]

    async def main() -> None:
        async with attacked(tmp_path, refuse) as victim:
            await victim.until(
                lambda: victim.engine.status.state is SyncState.HELD, what="a hold that shows"
            )
            await asyncio.sleep(1.0)
            assert victim.server.count("audio-chunk") <= 12
            assert victim.engine.status.state is SyncState.HELD
            assert victim.acked() == 0

    asyncio.run(main())


def test_words_before_the_welcome_are_bounded() -> None:
    kept: list[str] = []

    async def main() -> None:
        async with malicious_server(lambda *_: []) as server:
            server.before_welcome = [("changed", {"cursor": "x" * 1000})] * 20 * MOST_EARLY
            connection = SocketIoConnection(lambda name, _: kept.append(name), lambda: None)
            with pytest.raises(UnreachableError):
                await connection.connect(server.origin, AUTH, SHORT, polling=False)
            assert len(connection._early or []) <= MOST_EARLY

    asyncio.run(main())
    assert kept == []


def test_refusals_of_sessions_that_nobody_knows_stop_nothing(tmp_path: Path) -> None:
    nonsense = [
        ("session-error", {"sessionId": UNKNOWN, "error": "no", "code": "conflict"}),
        ("chunk-error", {"sessionId": UNKNOWN, "sequence": 0, "error": "no", "code": "conflict",
                         "retryable": False}),
        ("session-incomplete", {"sessionId": UNKNOWN, "missingRanges": [[0, 999_999]]}),
        ("no-such-event", {"audio": b"x" * 1000}),
        ("chunk-ack", {"audio": b"x" * 1000}),
    ]  # fmt: skip

    def honest(_server: MaliciousServer, name: str, _sid: str, data: Any) -> list[tuple[str, Any]]:
        if name != "audio-chunk":
            return begun(name, data)
        return [*nonsense, ack_of(ONE, data["sequence"], data["sha256"])]

    async def main() -> None:
        async with attacked(tmp_path, honest) as victim:
            await victim.until(lambda: victim.acked() == CHUNKS, what="everything delivered")
            assert victim.server.connects == 1
            assert len(victim.spool.sessions()) == 1

    asyncio.run(main())


def test_a_server_that_contradicts_every_copy_gets_three(tmp_path: Path) -> None:
    def contradict(
        _server: MaliciousServer, name: str, _sid: str, data: Any
    ) -> list[tuple[str, Any]]:
        if name != "audio-chunk":
            return begun(name, data)
        key = {"sessionId": data["sessionId"], "sequence": data["sequence"]}
        refusal = {**key, "error": "other bytes", "code": "conflict", "retryable": False}
        return [("chunk-error", refusal)]

    async def main() -> None:
        async with attacked(tmp_path, contradict, window=1) as victim:
            most = 1 + MOST_GENERATIONS
            await victim.until(
                lambda: sum(s.refused_code == "conflict" for s in victim.spool.sessions()) == most,
                what="the last copy refused",
            )
            await asyncio.sleep(0.2)
            assert len(victim.spool.sessions()) == most
            assert victim.spool.chunk_data(ONE, 0) == new_chunk(ONE, 0).data

    asyncio.run(main())


@pytest.mark.parametrize("polling", [False, True], ids=["websocket", "polling"])
def test_a_message_of_a_gibibyte_is_refused_long_before_its_end(polling: bool) -> None:
    async def main() -> None:
        async with endless_server() as server:
            connection = SocketIoConnection(lambda *_: None, lambda: None)
            tracemalloc.start()
            with pytest.raises(UnreachableError):
                await connection.connect(server.origin, AUTH, SHORT, polling=polling)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert server.sent < MOST_TAKEN
            assert most < MOST_TAKEN

    asyncio.run(main())


def test_a_connection_that_takes_nothing_is_given_no_endless_queue() -> None:
    cut: list[bool] = []

    class Watched(SocketIoConnection):
        def cut(self) -> None:
            cut.append(True)

    async def main() -> None:
        connection = Watched(lambda *_: None, lambda: None)
        for _ in range(5_000):
            connection.send("sync-check", {"sessions": []})
        assert cut
        assert connection._outbox.qsize() < 2_000
        await connection.close()

    asyncio.run(main())
