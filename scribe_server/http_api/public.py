"""Handlers that need no token: they tell nothing about anyone."""

from importlib import resources

import msgspec
from aiohttp import web

from scribe_server.http_api.answers import answer
from scribe_server.http_api.openapi import ROUTES, document
from scribe_server.http_api.services import services


async def healthz(_request: web.Request) -> web.StreamResponse:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Whether the server takes chunks now: 200 or 503."""
    state = services(request).readiness()
    return web.json_response(state, status=200 if state["canAccept"] else 503)


async def keys(request: web.Request) -> web.StreamResponse:
    """The public keys of receipts."""
    return answer(services(request).keys())


async def openapi(request: web.Request) -> web.StreamResponse:
    """The description of this interface."""
    table = request.app[ROUTES]
    return web.Response(body=msgspec.json.encode(document(table)), content_type="application/json")


async def index(_request: web.Request) -> web.StreamResponse:
    """A page for people who meet this address in a browser."""
    page = resources.files("scribe_server.http_api").joinpath("static", "index.html")
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return web.Response(
        text=page.read_text(encoding="utf-8"),
        content_type="text/html",
        headers={"Content-Security-Policy": policy},
    )
