"""Handlers about archived sessions."""

from aiohttp import web

from scribe_server.auth import Owner
from scribe_server.http_api.answers import answer, refuse
from scribe_server.http_api.services import services
from scribe_server.http_api.sessions import session_id
from scribe_server.protocol import ErrorCode
from scribe_server.retention.restoring import ColdError


async def restore(request: web.Request, owner: Owner) -> web.StreamResponse:
    """Bring an archived session back to the hot store; answers when all of it is there."""
    found, wanted = services(request), session_id(request)
    try:
        done = await found.restore(owner, wanted)
    except ColdError:
        return refuse(ErrorCode.CONFLICT, "The audio of this session was removed for good.")
    summary = None if done is None else await found.books.summary(owner, wanted)
    return refuse(ErrorCode.NOT_FOUND) if summary is None else answer(summary)
