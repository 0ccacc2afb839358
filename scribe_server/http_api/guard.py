"""Which Host and Origin a request may name; the defence against DNS rebinding and foreign pages.

A page of another site can make a browser send requests to this server, also to one on loopback.
The browser then tells the truth in Origin, and in Host the name that the page used.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from scribe_server.config import ServerConfig, is_loopback
from scribe_server.http_api.answers import refuse
from scribe_server.protocol import ErrorCode

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FORBIDDEN: Final = 403
_CROSS_ORIGIN: Final = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, PATCH, DELETE",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "authorization, content-type, range",
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}


class Guard:
    """The rule for one configuration."""

    def __init__(self, config: ServerConfig) -> None:
        origins = config.allowed_origins
        self._origins = frozenset(origins)
        self._hosts = {config.host.lower(), *(urlsplit(origin).hostname for origin in origins)}

    def host_allowed(self, host: str | None, local_address: str | None) -> bool:
        """Whether a Host header names this server: configured, a loopback literal, or the address.

        `local_address` is the one that the connection came to (None: unknown).
        """
        name = _host_name(host)
        if name is None:
            return False
        return name in self._hosts or is_loopback(name) or name == local_address

    def origin_allowed(self, origin: str | None, host: str | None) -> bool:
        """Whether there is no Origin, or one that is the server's own or configured."""
        return origin is None or self.is_foreign(origin) or _is_own(origin, host)

    def is_foreign(self, origin: str | None) -> bool:
        """Whether this is one of the configured origins, which get CORS headers."""
        return origin in self._origins

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what is not allowed; answer preflights of allowed origins."""
        host, origin = request.headers.get(hdrs.HOST), request.headers.get(hdrs.ORIGIN)
        if not self.host_allowed(host, _local_address(request)):
            return refuse(
                ErrorCode.UNAUTHORIZED, "This server is not known by that Host.", status=FORBIDDEN
            )
        if not self.origin_allowed(origin, host):
            return refuse(
                ErrorCode.UNAUTHORIZED,
                "This Origin is not allowed: see ALLOWED_ORIGINS.",
                status=FORBIDDEN,
            )
        if request.method == hdrs.METH_OPTIONS and self.is_foreign(origin):
            return web.Response(status=204, headers=_CROSS_ORIGIN)
        return await handler(request)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Headers of every answer; CORS only for configured origins."""
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Content-Security-Policy", "default-src 'none'; sandbox")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and self.is_foreign(origin):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)


def _host_name(host: str | None) -> str | None:
    """The name or address in a Host header, without its port."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises ValueError for one that is no number
    except ValueError:
        return None
    if not host or parts.path or parts.query or parts.username is not None:
        return None
    return parts.hostname


def _is_own(origin: str, host: str | None) -> bool:
    scheme, separator, place = origin.partition("://")
    return separator != "" and scheme in {"http", "https"} and place.lower() == (host or "").lower()


def _local_address(request: web.Request) -> str | None:
    transport = request.transport
    name = None if transport is None else transport.get_extra_info("sockname")
    return str(name[0]) if isinstance(name, tuple) else None
