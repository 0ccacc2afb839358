"""How many connections there may be: from one address, and all together.

A flood from one place leaves room for the others; counted are TCP connections, whatever they carry.
Loopback is not counted: behind a proxy on this computer all clients are one address, and a local
program has shorter ways to do harm. All together leave the server the descriptors for its own
work, else what is stored could not be read and no receipt be signed.
"""

import asyncio
import ipaddress
import logging
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from typing_extensions import override

from scribe_server.config import is_loopback
from scribe_server.inflow import Inflow
from scribe_server.metrics import Metrics

log = logging.getLogger(__name__)

OWN_DESCRIPTORS: Final = 64
"""What the server keeps for databases, segments, its own threads, and files that it hands out."""

if sys.platform == "win32":

    def descriptors() -> int:
        """How many descriptors this process may have: Windows sets no limit that matters."""
        return sys.maxsize

else:
    import resource

    def descriptors() -> int:
        """How many descriptors this process may have."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def place_of(address: str) -> str:
    """What an address counts as: IPv4 by itself, IPv6 by its /64, which one customer has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class ConnectionLimit:
    """Counts connections by place; `most` 0 is no limit."""

    def __init__(
        self,
        most: int,
        metrics: Metrics,
        *,
        loopback_counts: bool = False,
        descriptors: Callable[[], int] = descriptors,
    ) -> None:
        self._most = most
        self._metrics = metrics
        self._loopback_counts = loopback_counts
        self._descriptors = descriptors
        self._all = 0
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> str | None:
        """Count a connection; its place, to be given to `leave`, or None when it is one too many.

        A place that is not counted by itself is the empty text.
        """
        place = place_of(address)
        if not self._most or (is_loopback(place) and not self._loopback_counts):
            place = ""
        refused = self._why_refused(place)
        if refused:
            self._metrics.connections_refused += 1
            log.warning("refusing a connection from %s: %s", place_of(address), refused)
            return None
        self._all += 1
        if place:
            self._open[place] += 1
        return place

    def _why_refused(self, place: str) -> str:
        if place and self._open[place] >= self._most:
            return f"it has {self._most}"
        allowed = self._descriptors()
        own = min(OWN_DESCRIPTORS, allowed // 4)
        if self._all >= allowed - own:
            return f"there are {self._all} and the server's own {own} of {allowed} descriptors"
        return ""

    def leave(self, place: str) -> None:
        """A connection that was let in has ended."""
        self._all -= 1
        if place:
            self._open[place] -= 1
            if not self._open[place]:
                del self._open[place]

    def __len__(self) -> int:
        return self._all


class CountedHandler(web.RequestHandler):
    """aiohttp's protocol for one connection, which is closed at once when it is one too many.

    What arrives on it is told to `inflow`.
    """

    __slots__ = ("_inflow", "_limit", "_place")

    def __init__(
        self, server: web.Server, limit: ConnectionLimit, inflow: Inflow, **options: Any
    ) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._inflow = inflow
        self._limit = limit
        self._place: str | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection, then serve it."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._place = self._limit.enter(address)
        if self._place is None:
            # A cast: uvloop's transports are none of asyncio's.
            cast("asyncio.Transport", transport).abort()
            return
        super().connection_made(transport)

    @override
    def data_received(self, data: bytes) -> None:
        """Take in bytes, unless the connection was refused."""
        if self._place is not None:
            super().data_received(data)
            self._inflow.received(self, len(data))

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        """Count the connection no longer."""
        if self._place is None:
            return
        self._limit.leave(self._place)
        super().connection_lost(exc)

    @override
    def log_exception(self, *args: Any, **options: Any) -> None:
        """Tell in one line that a stranger sent no HTTP; what is our mistake is told in full."""
        error = options.get("exc_info")
        if isinstance(error, HttpProcessingError):
            log.info("refusing what is no HTTP (%s)", type(error).__name__)
        else:
            super().log_exception(*args, **options)
