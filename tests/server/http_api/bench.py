"""The REST side over real TCP with a real store, and two users."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from scribe_server.auth import Auth, Owner
from scribe_server.config import ServerConfig
from scribe_server.http_api.answers import typed_errors
from scribe_server.http_api.guard import Guard
from scribe_server.http_api.routes import add_routes
from scribe_server.http_api.services import Services
from scribe_server.ingest import Ingest
from scribe_server.media.cache import AudioCache
from scribe_server.protocol import AudioChunk, ChunkAck, SessionStarted, StartSession, StopSession
from scribe_server.receipts import ReceiptSigner
from scribe_server.retention.moving import Mover
from scribe_server.retention.restoring import restore
from scribe_server.store import Store

SESSION = "00000000-0000-4000-8000-000000000001"
UNKNOWN = "00000000-0000-4000-8000-00000000ffff"
CLOCK = 1_700_000_000_000


class Bench:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.config = ServerConfig(folder, folder, folder, **settings)
        self.store = Store.open(folder, folder, None, lambda: CLOCK)
        self.auth = Auth(self.store.database, "token", lambda: CLOCK)
        self.tokens = {name: self.auth.create_token(name) for name in ("ada", "bob")}
        self.signer = ReceiptSigner.load_or_create(folder)
        self.ingest = Ingest(self.store, self.signer, lambda: CLOCK)
        self.state: dict[str, Any] = {"canAccept": True, "reason": None}
        self.audio = AudioCache(folder / "cache")
        self.audio.open()
        self.session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        guard = Guard(self.config)
        application = web.Application(
            middlewares=[typed_errors, guard.middleware], client_max_size=64 * 1024
        )
        application.on_response_prepare.append(guard.add_headers)
        add_routes(
            application,
            Services(
                auth=self.auth,
                books=self.store.sessions,
                keys=self.signer.keys,
                audio=self.audio,
                readiness=lambda: self.state,
                restore=lambda owner, session: restore(
                    self.store, owner.user_id, owner.name, session
                ),
            ),
        )
        self.server = TestServer(application)
        await self.server.start_server()
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.session.close()
        await self.server.close()
        await self.audio.close()
        await asyncio.to_thread(self.store.close)

    async def call(
        self, method: str, path: str, *, user: str | None = "ada", **options: Any
    ) -> "Reply":
        """One request; the body is read whole."""
        headers = dict(options.pop("headers", {}))
        if user is not None:
            headers["Authorization"] = f"Bearer {self.tokens.get(user, user)}"
        url = self.server.make_url(path)
        async with self.session.request(method, url, headers=headers, **options) as response:
            body = await response.read()
            return Reply(response.status, response.headers, body)

    async def get(self, path: str, **options: Any) -> "Reply":
        return await self.call("GET", path, **options)

    async def upload(
        self,
        chunks: list[tuple[int, bytes, int | None]],
        *,
        session: str = SESSION,
        scribe_client: bool = True,
    ) -> None:
        """Store chunks (sequence, bytes, first sample) for ada."""
        owner = await self.auth.authenticate(self.tokens["ada"])
        assert isinstance(owner, Owner)
        started = await self.ingest.start_session(
            owner, StartSession(session, title="Call"), scribe_client=scribe_client
        )
        assert isinstance(started, SessionStarted)
        for sequence, data, first_sample in chunks:
            chunk = AudioChunk(session, sequence, data, first_sample=first_sample)
            ack = await self.ingest.accept(owner, chunk, scribe_client=scribe_client)
            assert isinstance(ack, ChunkAck), ack
            assert ack.sha256 == hashlib.sha256(data).hexdigest()


async def archived(bench: Bench, *, cold: bool = False) -> None:
    """End the session that was uploaded first, and archive it."""
    owner = await bench.auth.authenticate(bench.tokens["ada"])
    assert isinstance(owner, Owner)
    await bench.ingest.stop_session(owner, StopSession(SESSION))
    mover = Mover(bench.store)
    await mover.archive(1, lambda _: True)
    if cold:
        await mover.cool(1, lambda _: True)


class Reply:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        import msgspec

        return msgspec.json.decode(self.body)


def run(folder: Path, scenario: Callable[[Bench], Awaitable[None]], **settings: Any) -> None:
    """Run a scenario on a fresh bench."""

    async def inner() -> None:
        async with Bench(folder, **settings) as bench:
            await scenario(bench)

    asyncio.run(inner())
