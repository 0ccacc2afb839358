"""Answers in JSON, and refusals from the one table; nothing else ever reaches a client."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import hdrs, web

from scribe_server.protocol import ERRORS, ErrorCode, Payload, RestError
from scribe_server.store.errors import StorageError, StorageFullError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_NO_CODE_OF_ITS_OWN: Final = {404: ErrorCode.NOT_FOUND}


def answer(payload: Payload, *, status: int = 200) -> web.Response:
    """A payload as JSON."""
    return web.Response(
        body=msgspec.json.encode(payload), status=status, content_type="application/json"
    )


def refuse(
    code: ErrorCode, error: str | None = None, *, details: str | None = None, status: int = 0
) -> web.Response:
    """A refusal in the table's words and with its HTTP status, unless others are given."""
    spec = ERRORS[code]
    response = answer(
        RestError(code, error or spec.text, details), status=status or spec.http_status
    )
    if response.status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    return response


@web.middleware
async def typed_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a refusal; only our own faults write a traceback."""
    try:
        return await handler(request)
    except web.HTTPException as problem:
        return _of_framework(problem)
    except TimeoutError:
        return refuse(ErrorCode.INVALID_PAYLOAD, "The request took too long.", status=408)
    except (StorageError, OSError) as error:
        if request.transport is None or request.transport.is_closing():
            # The client has gone: nobody to tell. Raised, it would look like our own mistake.
            return refuse(ErrorCode.INTERNAL)
        log.error("%s %s: %s", request.method, request.path, error)
        full = isinstance(error, StorageFullError)
        return refuse(ErrorCode.STORAGE_FULL if full else ErrorCode.STORAGE_FAILED)
    except Exception:  # the last net: a traceback for us, a sentence for the client
        log.exception("%s %s failed", request.method, request.path)
        return refuse(ErrorCode.INTERNAL)


def _of_framework(problem: web.HTTPException) -> web.StreamResponse:
    if problem.status < 400:
        raise problem
    code = _NO_CODE_OF_ITS_OWN.get(problem.status, ErrorCode.INVALID_PAYLOAD)
    response = refuse(code, problem.reason, status=problem.status)
    if hdrs.ALLOW in problem.headers:
        response.headers[hdrs.ALLOW] = problem.headers[hdrs.ALLOW]
    return response
