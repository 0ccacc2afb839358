"""How many connections one address may have: a flood from one place leaves room for the others.

Counted are TCP connections, whatever they carry. Loopback is not counted: behind a proxy on this
computer all clients are one address, and a local program has shorter ways to do harm.
"""

import asyncio
import ipaddress
import logging
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from typing_extensions import override

from scribe_server.config import is_loopback
from scribe_server.inflow import Inflow
from scribe_server.metrics import Metrics

log = logging.getLogger(__name__)


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

    def __init__(self, most: int, metrics: Metrics, *, loopback_counts: bool = False) -> None:
        self._most = most
        self._metrics = metrics
        self._loopback_counts = loopback_counts
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> str | None:
        """Count a connection; its place, to be given to `leave`, or None when it is one too many.

        A place that is not counted is the empty text.
        """
        place = place_of(address)
        if not self._most or (is_loopback(place) and not self._loopback_counts):
            return ""
        if self._open[place] >= self._most:
            self._metrics.connections_refused += 1
            log.warning("refusing a connection from %s: it has %d", place, self._most)
            return None
        self._open[place] += 1
        return place

    def leave(self, place: str) -> None:
        """A connection that was counted has ended."""
        if place:
            self._open[place] -= 1
            if not self._open[place]:
                del self._open[place]

    def __len__(self) -> int:
        return self._open.total()


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
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
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
