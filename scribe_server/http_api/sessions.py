"""Handlers about sessions. Somebody else's session looks like none."""

import asyncio
import re
from typing import Annotated, Final

import msgspec
from aiohttp import web

from scribe_server.auth import Owner
from scribe_server.http_api.answers import answer, refuse
from scribe_server.http_api.services import services
from scribe_server.protocol import ErrorCode, Payload
from scribe_server.store.deletion import HeldError

MAX_PAGE: Final = 200
DEFAULT_PAGE: Final = 50
BODY_TIMEOUT_S: Final = 20
_SESSION_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Rename(Payload, frozen=True):
    """Body of PATCH /api/sessions/{id}."""

    title: Annotated[str, msgspec.Meta(max_length=1000)]


def session_id(request: web.Request) -> str:
    """The session in the path.

    Raises:
        web.HTTPNotFound: it is not even a UUID.
    """
    found = request.match_info["id"]
    if not _SESSION_ID.fullmatch(found):
        raise web.HTTPNotFound(reason="There is no such session for this user.")
    return found


def _found(payload: Payload | None) -> web.Response:
    return refuse(ErrorCode.NOT_FOUND) if payload is None else answer(payload)


async def list_sessions(request: web.Request, owner: Owner) -> web.StreamResponse:
    """A page of the owner's sessions, newest first."""
    limit = request.query.get("limit", str(DEFAULT_PAGE))
    if not re.fullmatch(r"[0-9]{1,6}", limit) or int(limit) < 1:
        return refuse(ErrorCode.INVALID_PAYLOAD, details="limit must be a whole number from 1")
    cursor = request.query.get("cursor") or None
    books = services(request).books
    return answer(await books.list_sessions(owner, limit=min(int(limit), MAX_PAGE), cursor=cursor))


async def show(request: web.Request, owner: Owner) -> web.StreamResponse:
    """One session."""
    return _found(await services(request).books.summary(owner, session_id(request)))


async def rename(request: web.Request, owner: Owner) -> web.StreamResponse:
    """Give a session another title."""
    found = session_id(request)
    async with asyncio.timeout(BODY_TIMEOUT_S):
        body = await request.read()
    try:
        wanted = msgspec.json.decode(body, type=Rename)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return refuse(ErrorCode.INVALID_PAYLOAD, details=str(error))
    return _found(await services(request).books.rename(owner, found, wanted.title))


async def delete(request: web.Request, owner: Owner) -> web.StreamResponse:
    """Delete a session for good; doing so again changes nothing."""
    found, wanted = services(request), session_id(request)
    try:
        deleted = await found.books.delete(owner, wanted)
    except HeldError:
        return refuse(ErrorCode.CONFLICT, "This session is under a legal hold.")
    if not deleted:
        return refuse(ErrorCode.NOT_FOUND)
    await asyncio.to_thread(found.audio.forget, wanted)
    return web.Response(status=204)


async def missing_chunks(request: web.Request, owner: Owner) -> web.StreamResponse:
    """What the server lacks of a session."""
    return _found(await services(request).books.missing(owner, session_id(request)))


async def chunks(request: web.Request, owner: Owner) -> web.StreamResponse:
    """Every chunk with its SHA-256."""
    return _found(await services(request).books.chunks(owner, session_id(request)))
