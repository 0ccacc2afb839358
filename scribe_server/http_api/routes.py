"""The table of all REST operations."""

from typing import Final

from aiohttp import web

from scribe_server.http_api import archives, audio, public, sessions
from scribe_server.http_api.openapi import ROUTES, Route
from scribe_server.http_api.services import SERVICES, Services, signed_in
from scribe_server.protocol import (
    WELL_KNOWN_KEYS,
    ErrorCode,
    MissingChunks,
    ServerKeys,
    SessionList,
    SessionSummary,
    StoredChunks,
)

_ONE: Final = "/api/sessions/{id}"
_UNKNOWN: Final = (ErrorCode.NOT_FOUND,)
_JSON: Final = "application/json"

TABLE: Final = (
    Route("GET", "/", public.index, "A page for people", "text/html", token=False),
    Route("GET", "/healthz", public.healthz, "The process answers", _JSON, token=False),
    Route(
        "GET",
        "/readyz",
        public.readyz,
        "Whether chunks are taken now",
        _JSON,
        token=False,
        errors=(ErrorCode.BUSY,),
    ),
    Route("GET", WELL_KNOWN_KEYS, public.keys, "Public keys of receipts", ServerKeys, token=False),
    Route("GET", "/api/openapi.json", public.openapi, "This document", _JSON, token=False),
    Route(
        "GET",
        "/api/sessions",
        signed_in(sessions.list_sessions),
        "The user's sessions, newest first",
        SessionList,
        query=("limit", "cursor"),
        errors=(ErrorCode.INVALID_PAYLOAD,),
    ),
    Route("GET", _ONE, signed_in(sessions.show), "One session", SessionSummary, errors=_UNKNOWN),
    Route(
        "PATCH",
        _ONE,
        signed_in(sessions.rename),
        "Rename a session",
        SessionSummary,
        body=sessions.Rename,
        errors=(*_UNKNOWN, ErrorCode.INVALID_PAYLOAD),
    ),
    Route(
        "DELETE",
        _ONE,
        signed_in(sessions.delete),
        "Delete for good",
        None,
        errors=(*_UNKNOWN, ErrorCode.CONFLICT),
    ),
    Route(
        "GET",
        f"{_ONE}/missing-chunks",
        signed_in(sessions.missing_chunks),
        "What the server lacks",
        MissingChunks,
        errors=_UNKNOWN,
    ),
    Route(
        "GET",
        f"{_ONE}/chunks",
        signed_in(sessions.chunks),
        "All chunks with their SHA-256",
        StoredChunks,
        errors=_UNKNOWN,
    ),
    Route(
        "GET",
        f"{_ONE}/chunks/{{sequence}}",
        signed_in(audio.one_chunk),
        "One chunk's bytes as they came",
        "audio/webm",
        errors=_UNKNOWN,
    ),
    Route(
        "GET",
        f"{_ONE}/audio",
        signed_in(audio.whole_session),
        "The whole session as one WebM, with byte ranges",
        "audio/webm",
        errors=(*_UNKNOWN, ErrorCode.UNSUPPORTED_MEDIA),
    ),
    Route(
        "POST",
        f"{_ONE}/restore",
        signed_in(archives.restore),
        "Bring an archived session back to the hot store",
        SessionSummary,
        errors=(*_UNKNOWN, ErrorCode.CONFLICT),
    ),
)


def add_routes(application: web.Application, services: Services) -> None:
    """Serve the table on an application."""
    application[SERVICES] = services
    application[ROUTES] = TABLE
    for route in TABLE:
        application.router.add_route(route.method, route.path, route.handler)
        if route.method == "GET":
            application.router.add_route("HEAD", route.path, route.handler)
