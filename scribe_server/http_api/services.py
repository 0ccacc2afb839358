"""What the handlers work with, and who is asking."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import hdrs, web

from scribe_server.auth import Auth, Owner
from scribe_server.http_api.answers import refuse
from scribe_server.media.cache import AudioCache
from scribe_server.protocol import Refusal, ServerKeys
from scribe_server.retention.restoring import Restored
from scribe_server.store.sessions import SessionBooks

Readiness = Callable[[], dict[str, Any]]
Restore = Callable[[Owner, str], Awaitable[Restored | None]]
Owned = Callable[[web.Request, Owner], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Services:
    """The parts of the server that REST needs.

    `readiness` tells whether chunks are taken; `restore` brings an own session back from its
    archive (see restoring.restore).
    """

    auth: Auth
    books: SessionBooks
    keys: Callable[[], ServerKeys]
    audio: AudioCache
    readiness: Readiness
    restore: Restore


SERVICES = web.AppKey("services", Services)


def services(request: web.Request) -> Services:
    """The application's services."""
    return request.app[SERVICES]


def signed_in(handler: Owned) -> Handler:
    """A handler that runs only for the owner of a valid token."""

    async def checked(request: web.Request) -> web.StreamResponse:
        owner = await services(request).auth.authenticate(bearer(request))
        if isinstance(owner, Refusal):
            return refuse(owner.code)
        return await handler(request, owner)

    return checked


def bearer(request: web.Request) -> str | None:
    """The token of `Authorization: Bearer TOKEN` (RFC 6750), or None."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
