"""The OpenAPI 3.1 document, made from the route table and the payloads' types."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from scribe_server import __version__
from scribe_server.http_api.services import Handler
from scribe_server.protocol import ERRORS, ErrorCode, Payload, RestError

_REF: Final = "#/components/schemas/{name}"


@dataclass(frozen=True)
class Route:
    """One operation. `result` is a payload's type, a media type, or None for an empty answer."""

    method: str
    path: str
    handler: Handler
    summary: str
    result: type[Payload] | str | None
    body: type[Payload] | None = None
    query: tuple[str, ...] = ()
    token: bool = True
    errors: tuple[ErrorCode, ...] = ()


ROUTES: Final[web.AppKey[tuple[Route, ...]]] = web.AppKey("routes", tuple)


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document."""
    table = list(routes)
    types = {kind for route in table for kind in _types(route)} | {RestError}
    ordered = sorted(types, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REF)
    paths: dict[str, Any] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scribe server", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _types(route: Route) -> list[type[Payload]]:
    return [kind for kind in (route.result, route.body) if isinstance(kind, type)]


def _operation(route: Route) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.token:
        described["security"] = [{"token": []}]
    if route.body is not None:
        described["requestBody"] = {"required": True, "content": _content(route.body)}
    return described


def _parameters(route: Route) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    in_query = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in route.query]
    return in_path + in_query


def _responses(route: Route) -> dict[str, Any]:
    if route.result is None:
        answers: dict[str, Any] = {"204": {"description": "Done."}}
    else:
        answers = {"200": {"description": "The answer.", "content": _content(route.result)}}
    codes = [ErrorCode.UNAUTHORIZED, *route.errors] if route.token else list(route.errors)
    for code in codes:
        spec = ERRORS[code]
        answers[str(spec.http_status)] = {
            "description": spec.text,
            "content": _content(RestError),
        }
    return answers


def _content(kind: type[Payload] | str) -> dict[str, Any]:
    if isinstance(kind, str):
        return {kind: {}}
    return {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
