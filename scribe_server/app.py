"""The composition root: builds the server's parts, serves, and ends in order.

Start: folder lock and store, receipt key, tokens, sockets, REST, listen, announce.
End: stop listening, store and acknowledge what was received, close sockets, close the store.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final, Self

from aiohttp import web

from scribe_server.auth import LOCAL_USER, Auth
from scribe_server.collector import Collector, settle
from scribe_server.config import ServerConfig, is_loopback
from scribe_server.errors import StartupError
from scribe_server.http_api.answers import typed_errors
from scribe_server.http_api.connections import ConnectionLimit, CountedHandler
from scribe_server.http_api.guard import Guard
from scribe_server.http_api.routes import add_routes
from scribe_server.http_api.services import Services
from scribe_server.ingest import Ingest
from scribe_server.media.cache import AudioCache
from scribe_server.metrics import Metrics
from scribe_server.receipts import ReceiptSigner
from scribe_server.retention.policy import Rules
from scribe_server.retention.restoring import restore
from scribe_server.retention.run import Retention
from scribe_server.retention.worker import RetentionWorker
from scribe_server.sockets.server import SocketServer
from scribe_server.store import Store
from scribe_server.store.archives.opening import place_of
from scribe_server.store.clock import now_ms
from scribe_server.store.files import Files
from scribe_server.store.scrubber import Scrubber
from scribe_server.tasks import Tasks

log = logging.getLogger(__name__)

DRAIN_S: Final = 7.0
CLOSE_S: Final = 1.0
MAX_BODY_BYTES: Final = 64 * 1024
IDLE_CONNECTION_S: Final = 20
"""For an HTTP connection between requests, and for one whose headers do not come."""
BACKLOG: Final = 1024
LOOK_AT_GARBAGE_S: Final = 5

Announce = Callable[[str, str], None]
"""Called with the URL and the server's id once it listens."""


class Server:
    """All parts of one server; use it as an async context.

    Args:
        config: the settings.
        child_token: a token that is kept in memory only.
        child_user: whose recordings it opens.
        files: the disk, when it is not simply the operating system's.
    """

    def __init__(
        self,
        config: ServerConfig,
        *,
        child_token: str | None = None,
        child_user: str | None = None,
        files: Files | None = None,
    ) -> None:
        self.config = config
        self.url = ""
        self._child_token = child_token
        self._child_user = child_user or LOCAL_USER
        self._files = files
        self._stack = AsyncExitStack()
        self._tasks = Tasks()

    async def __aenter__(self) -> Self:
        """Start; StartupError when something is in the way."""
        try:
            await self._start()
        except OSError as error:
            await self._stack.aclose()
            raise StartupError(
                f"The server cannot start: {error}.",
                "Check the disk of the data folder, and how many files a process may open.",
            ) from error
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """End in order, within ten seconds."""
        await self._stack.aclose()

    async def _start(self) -> None:
        config = self.config
        self.store = Store.open(
            config.data_dir,
            config.storage_dir,
            config.database_url,
            now_ms,
            archives=place_of(config.archive_storage_path),
            files=self._files,
        )
        self._stack.push_async_callback(asyncio.to_thread, self.store.close)
        signer = ReceiptSigner.load_or_create(config.data_dir)
        auth = Auth(self.store.database, config.auth, now_ms)
        if self._child_token is not None:
            auth.memory_token(self._child_token, self._child_user)
        audio = await self._audio_cache()
        metrics = Metrics()
        self._limit = ConnectionLimit(config.max_connections_per_address, metrics)
        sockets = SocketServer(
            config,
            auth=auth,
            ingest=Ingest(self.store, signer, now_ms),
            server_id=self.store.server_id,
            metrics=metrics,
            clock=now_ms,
        )
        services = Services(
            auth=auth,
            books=self.store.sessions,
            keys=signer.keys,
            audio=audio,
            readiness=lambda: {**sockets.readiness(), "storage": self.store.blobs.engine},
            restore=lambda owner, session: restore(self.store, owner.user_id, owner.name, session),
        )
        await self._listen(sockets, services)
        sockets.start()
        collector = Collector(sockets.activity)
        self._tasks.start(_collect(collector), "collect garbage")
        if config.scrub_mb_per_s:
            scrubber = Scrubber(
                self.store,
                config.data_dir,
                bytes_per_s=config.scrub_mb_per_s * 1_000_000,
                counts=metrics.scrubbed,
                tell=sockets.tell_incomplete,
            )
            self._tasks.start(scrubber.run(), "scrub")
        retention = Retention(self.store, Rules.of(config), forget=audio.forget)
        worker = RetentionWorker(self.store, retention, config.retention_timezone)
        self._tasks.start(worker.run(), "retention")
        self._stack.push_async_callback(self._tasks.drain, 0)

    async def _audio_cache(self) -> AudioCache:
        audio = AudioCache(self.config.data_dir / "cache" / "audio")
        try:
            audio.open()
        except OSError as error:
            raise StartupError(
                f"The audio cache cannot be used: {error}",
                "Check that the server's user may write to the data folder.",
            ) from error
        self._stack.push_async_callback(audio.close)
        return audio

    async def _listen(self, sockets: SocketServer, services: Services) -> None:
        guard = Guard(self.config)
        application = web.Application(
            middlewares=[typed_errors, guard.middleware], client_max_size=MAX_BODY_BYTES
        )
        application.on_response_prepare.append(guard.add_headers)
        add_routes(application, services)
        sockets.attach(application)
        runner = web.AppRunner(application, shutdown_timeout=CLOSE_S)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.push_async_callback(sockets.close)
        self._stack.push_async_callback(sockets.drain, DRAIN_S)
        server, limit, inflow = runner.server, self._limit, sockets.inflow

        def serve_connection() -> CountedHandler:
            assert server is not None, "it was set up just now"
            return CountedHandler(
                server, limit, inflow, access_log=None, keepalive_timeout=IDLE_CONNECTION_S
            )

        try:
            listening = await asyncio.get_running_loop().create_server(
                serve_connection, self.config.host, self.config.port, backlog=BACKLOG
            )
        except OSError as error:
            raise StartupError(
                f"Cannot listen on {self.config.host} port {self.config.port}: {error.strerror}.",
                "Choose another HOST or PORT, or stop the program that uses it.",
            ) from error
        self._stack.callback(listening.close)
        port = listening.sockets[0].getsockname()[1]
        self.url = f"http://{_reachable(self.config.host)}:{port}"


async def _collect(collector: Collector) -> None:
    while True:
        await asyncio.sleep(LOOK_AT_GARBAGE_S)
        collector.look()


def _reachable(host: str) -> str:
    """The address for a URL: a wildcard is reached over loopback."""
    if host == "0.0.0.0":  # noqa: S104 - compared with, not bound to
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host


async def serve(
    config: ServerConfig,
    announce: Announce,
    *,
    child_token: str | None = None,
    child_user: str | None = None,
    files: Files | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or, for a child, the end of stdin; see Server.

    Raises:
        StartupError: the server cannot start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform != "win32":
            loop.add_signal_handler(number, stop.set)
    _raise_descriptor_limit()
    async with Server(
        config, child_token=child_token, child_user=child_user, files=files
    ) as server:
        _warn(config)
        log.info("listening on %s (server %s)", server.url, server.store.server_id)
        if config.child:
            _stop_with_stdin(loop, stop)
        settle()
        announce(server.url, server.store.server_id)
        await stop.wait()
        log.info("stopping")
    log.info("stopped")


def _warn(config: ServerConfig) -> None:
    if config.auth == "none":
        log.warning(
            "AUTH=none: every program and every user of this computer can read and write all "
            "recordings; for development only"
        )
    if not is_loopback(config.host):
        log.warning("tokens and audio travel unencrypted: put a TLS proxy in front")


def _stop_with_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    import threading

    def watch() -> None:
        # os.read, because a thread that blocks in sys.stdin would hold its lock at the end.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="scribe-stdin", daemon=True).start()


def _raise_descriptor_limit() -> None:
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(
    config: ServerConfig,
    announce: Announce,
    *,
    child_token: str | None = None,
    child_user: str | None = None,
    files: Files | None = None,
) -> None:
    """Run `serve` on uvloop where there is one.

    Raises:
        StartupError: the server cannot start.
    """
    try:
        import uvloop
    except ImportError:  # Windows, or an interpreter without it
        factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(
            serve(config, announce, child_token=child_token, child_user=child_user, files=files)
        )
    # All is stored and closed; a second signal must not make the exit code tell of a kill.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
