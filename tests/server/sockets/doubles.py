"""Stand-ins for the ingest and for the transport, for the tests of the Socket.IO side."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from scribe_server.backpressure import Window
from scribe_server.config import ServerConfig
from scribe_server.metrics import Metrics
from scribe_server.protocol import (
    AudioChunk,
    ChunkAck,
    ChunkError,
    ErrorCode,
    Event,
    PauseSession,
    Payload,
    Refusal,
    ResumeSession,
    SessionError,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionStopped,
    StartSession,
    StopSession,
    SyncCheck,
    SyncState,
)
from scribe_server.sockets.peers import Peer
from scribe_server.sockets.server import SocketServer

SESSION = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
TOKEN = "scribe_good"


@dataclass(frozen=True)
class FakeOwner:
    user_id: int = 1
    name: str = "ada"
    device_id: str | None = None


@dataclass(frozen=True)
class FakeLoad:
    unstored_chunks: int = 0
    unstored_bytes: int = 0
    oldest_wait_s: float = 0.0
    last_latency_s: float = 0.0


class FakeAuth:
    async def authenticate(self, token: str | None) -> Any:
        if token == TOKEN:
            return FakeOwner()
        return Refusal(ErrorCode.UNAUTHORIZED, "Sign in: the token is missing or wrong.")


class FakeIngest:
    """Stores in memory; `open` is cleared to make storing wait."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.stored: dict[tuple[str, int], bytes] = {}
        self.started: list[StartSession] = []
        self.broken = False
        self.in_memory: set[str] = set()
        self.waited_s = 0.0
        self.room_set_aside = threading.Event()

    def set_room_aside(self) -> None:
        self.room_set_aside.set()

    def load(self) -> FakeLoad:
        return FakeLoad(oldest_wait_s=self.waited_s)

    async def start_session(
        self, owner: Any, request: StartSession, *, scribe_client: bool
    ) -> SessionStarted | SessionError:
        if self.broken:
            raise RuntimeError("broken")
        self.started.append(request)
        return SessionStarted(request.session_id, "recording", 1, [], -1)

    def take(
        self,
        owner: Any,
        chunk: AudioChunk,
        answered: Callable[[ChunkAck | ChunkError], None],
        *,
        scribe_client: bool,
    ) -> bool:
        if chunk.session_id not in self.in_memory:
            return False
        if self.broken:
            raise RuntimeError("broken")
        answered(self._store(chunk))
        return True

    async def accept(
        self, owner: Any, chunk: AudioChunk, *, scribe_client: bool
    ) -> ChunkAck | ChunkError:
        await self.open.wait()
        if self.broken:
            raise RuntimeError("broken")
        return self._store(chunk)

    def _store(self, chunk: AudioChunk) -> ChunkAck:
        key = (chunk.session_id, chunk.sequence)
        duplicate = key in self.stored
        self.stored[key] = chunk.audio
        sha256 = hashlib.sha256(chunk.audio).hexdigest()
        return ChunkAck(chunk.session_id, chunk.sequence, 1, "1", duplicate, True, sha256, 1, 0)

    async def pause_session(self, owner: Any, request: PauseSession) -> SessionPaused:
        return SessionPaused(request.session_id, 1)

    async def resume_session(self, owner: Any, request: ResumeSession) -> SessionResumed:
        return SessionResumed(request.session_id, 1)

    async def stop_session(self, owner: Any, request: StopSession) -> Sequence[Payload]:
        return [SessionStopped(request.session_id, len(self.stored))]

    async def sync_check(self, owner: Any, request: SyncCheck) -> SyncState:
        return SyncState([])


class FakeOutside:
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Event, Any]] = []
        self.superseded: list[tuple[str, str, bool]] = []
        self.kept_alive = 0

    def send(self, peer: Peer, event: Event, payload: Payload) -> None:
        self.sent.append((peer.socket, event, payload))

    def keep_alive(self, peer: Peer) -> None:
        self.kept_alive += 1

    def supersede(self, socket: str, session_id: str, *, same_device: bool) -> None:
        self.superseded.append((socket, session_id, same_device))

    def events(self) -> list[Event]:
        return [event for _, event, _ in self.sent]


def peer(socket: str = "a", *, device: str | None = "laptop", user: int = 1) -> Peer:
    owner: Any = FakeOwner(user_id=user)
    return Peer(socket, owner, device, True, Window(10, 10))


def chunk(sequence: int = 0, audio: bytes = b"sound", session: str = SESSION) -> dict[str, Any]:
    return {
        "sessionId": session,
        "sequence": sequence,
        "timestamp": 1,
        "size": len(audio),
        "mimeType": "audio/webm",
        "audio": audio,
    }


class Client:
    """A raw WebSocket client that speaks packets, not events."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> Any:
        """The next packet's text, pings left out; None when the server has closed."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), 10)
            if message.type is aiohttp.WSMsgType.TEXT:
                if message.data != "2":
                    return message.data
            elif message.type is not aiohttp.WSMsgType.BINARY:
                return None

    async def event(self) -> Any:
        """The next event as [name, payload]; None when the server has closed."""
        text = await self.next()
        return None if text is None else json.loads(text.removeprefix("42"))

    async def closed(self) -> bool:
        """Read on until the server closes."""
        while await self.next() is not None:
            pass
        return True

    async def hello(self, auth: object = None) -> str:
        """Receive OPEN and send CONNECT; the answer's text."""
        assert (await self.next()).startswith("0")
        given = {"token": TOKEN, "protocol": 1} if auth is None else auth
        await self.socket.send_str("40" + json.dumps(given))
        answer = await self.next()
        return str(answer)

    async def chunk(self, sequence: int, audio: bytes = b"sound") -> None:
        """Send one audio-chunk."""
        header = {**chunk(sequence, audio), "audio": {"_placeholder": True, "num": 0}}
        await self.socket.send_str("451-" + json.dumps(["audio-chunk", header]))
        await self.socket.send_bytes(audio)


class Served:
    """A SocketServer over real TCP with a fake ingest."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.config = ServerConfig(folder, folder, folder, "sqlite://", **settings)
        self.ingest = FakeIngest()
        self.metrics = Metrics()
        auth: Any = FakeAuth()
        ingest: Any = self.ingest
        self.sockets = SocketServer(
            self.config,
            auth=auth,
            ingest=ingest,
            server_id="server",
            metrics=self.metrics,
            clock=lambda: 123,
        )
        application = web.Application()
        self.sockets.attach(application)
        self.test_server = TestServer(application)
        self.session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return str(self.test_server.make_url("/socket.io/"))

    async def __aenter__(self) -> Self:
        await self.test_server.start_server()
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.session.close()
        await self.sockets.close()
        await self.test_server.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once the condition holds; AssertionError after 10 s."""
        deadline = asyncio.get_running_loop().time() + 10
        while not condition():
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.01)

    async def client(self) -> Client:
        """Open a WebSocket."""
        url = self.url + "?EIO=4&transport=websocket"
        return Client(await self.session.ws_connect(url, max_msg_size=0))

    async def welcomed(self) -> Client:
        """Open a WebSocket, connect, and read the welcome."""
        client = await self.client()
        assert (await client.hello()).startswith("40")
        assert (await client.event())[0] == "welcome"
        return client
