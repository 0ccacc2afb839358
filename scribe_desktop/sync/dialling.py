"""From an origin to a welcome: connecting, and making sure that it is the same server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from scribe_desktop.errors import UnreachableError
from scribe_desktop.server_api import ServerApi, is_safe_for_tokens
from scribe_desktop.sync.identity import Identities, Identity
from scribe_desktop.sync.link import (
    MOST_EARLY,
    Connection,
    ConnectionFactory,
    ConnectRefusedError,
    Patience,
)
from scribe_desktop.sync.reasons import BAD_MESSAGE, IDENTITY_CHANGED, INSECURE, sentence
from scribe_desktop.sync.target import ServerTarget
from scribe_server import protocol
from scribe_server.protocol import ErrorCode, Event

CLIENT_NAME: Final = "scribe-desktop"


@dataclass(frozen=True, slots=True)
class Welcomed:
    """A connection that is ready: its welcome, who the server is, and what came early."""

    connection: Connection
    welcome: protocol.Welcome
    identity: Identity


class Line:
    """One connection with a place where its events go; they are kept until somebody listens."""

    def __init__(self, factory: ConnectionFactory, on_down: Callable[["Line"], None]) -> None:
        self.is_down = asyncio.Event()
        self._on_down = on_down
        self._early: list[tuple[str, Any]] = []
        self._listener: Callable[[str, Any], None] | None = None
        self._something = asyncio.Event()
        self.connection = factory(self._receive, self._went_down)

    def listen(self, listener: Callable[[str, Any], None]) -> None:
        """Take the events from here on, first those that came early."""
        self._listener = listener
        early, self._early = self._early, []
        for name, data in early:
            listener(name, data)

    async def welcome(self) -> protocol.Welcome:
        """Wait for the server's first event.

        Raises:
            UnreachableError: the connection ended before.
            ConnectRefusedError: it is not of the documented form.
        """
        while not self._early and not self.is_down.is_set():
            self._something.clear()
            await self._something.wait()
        if not self._early:
            raise UnreachableError("The server is out of reach", "It hung up at once.")
        name, data = self._early.pop(0)
        try:
            if name != Event.WELCOME:
                raise ConnectRefusedError(BAD_MESSAGE, f"Its first word is {name!r}.")
            return protocol.parse(data, protocol.Welcome)
        except msgspec.ValidationError as error:
            raise ConnectRefusedError(BAD_MESSAGE, str(error)) from error

    def _receive(self, name: str, data: Any) -> None:
        if self._listener is not None:
            self._listener(name, data)
            return
        if len(self._early) >= MOST_EARLY:
            self.connection.cut()
            return
        self._early.append((name, data))
        self._something.set()

    def _went_down(self) -> None:
        self.is_down.set()
        self._something.set()
        self._on_down(self)


async def dial(
    line: Line,
    target: ServerTarget,
    device_id: str,
    identities: Identities,
    patience: Patience,
    *,
    polling: bool,
) -> Welcomed:
    """Connect, wait for the welcome, and compare the server with the pinned one.

    Where another server answered before, its name is asked for first: it gets no token again.

    Raises:
        UnreachableError: nobody answers, or not in time.
        ConnectRefusedError: with the code of the refusal, the server's or ours.
    """
    if target.token is not None and not target.insecure and not is_safe_for_tokens(target.origin):
        raise ConnectRefusedError(INSECURE, sentence(INSECURE))
    if identities.offered(target) is not None:
        await _expect_no_stranger(target, identities)
    auth = protocol.ConnectAuth(
        token=target.token,
        client=CLIENT_NAME,
        protocol=protocol.PROTOCOL_VERSION,
        device_id=device_id,
    )
    await line.connection.connect(target.origin, auth, patience, polling=polling)
    try:
        async with asyncio.timeout(patience.whole_s):
            welcome = await line.welcome()
    except TimeoutError as error:
        raise UnreachableError("The server is out of reach", "It does not say a word.") from error
    if welcome.protocol != protocol.PROTOCOL_VERSION:
        code = ErrorCode.PROTOCOL_UNSUPPORTED
        raise ConnectRefusedError(code, protocol.ERRORS[code].text)
    return Welcomed(line.connection, welcome, await _identify(target, welcome, identities))


async def _expect_no_stranger(target: ServerTarget, identities: Identities) -> None:
    presented = await present_identity(target)
    pinned = identities.pinned(target, presented.server_id)
    if pinned is not None and pinned.server_id != presented.server_id:
        identities.offer(target, presented)
        raise ConnectRefusedError(IDENTITY_CHANGED, sentence(IDENTITY_CHANGED))
    if pinned == presented:
        identities.withdraw(target)


async def _identify(
    target: ServerTarget, welcome: protocol.Welcome, identities: Identities
) -> Identity:
    pinned = identities.pinned(target, welcome.server_id)
    if pinned is not None and pinned.server_id == welcome.server_id:
        return pinned
    presented = await present_identity(target)
    if presented.server_id != welcome.server_id:
        raise UnreachableError("The server is out of reach", "Two servers answer in turns.")
    if pinned is None:
        identities.pin(target, presented)
        return presented
    identities.offer(target, presented)
    raise ConnectRefusedError(IDENTITY_CHANGED, sentence(IDENTITY_CHANGED))


async def present_identity(target: ServerTarget) -> Identity:
    """Who the server says it is.

    Raises:
        UnreachableError: it does not say.
    """
    # The keys are public: no token is needed for them.
    return Identity.of(await ServerApi(target.origin, None).keys())
