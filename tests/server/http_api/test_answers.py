import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from scribe_server.http_api.answers import typed_errors
from scribe_server.store.errors import BlobDamagedError, StorageFullError
from tests.server.http_api.bench import SESSION, Bench, run


def failing(error: Exception) -> Any:
    async def fail(*_arguments: object) -> None:
        raise error

    return fail


@pytest.mark.logs_errors
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StorageFullError("x"), 507, "storage_full"),
        (BlobDamagedError("x"), 503, "storage_failed"),
        (OSError("x"), 503, "storage_failed"),
        (KeyError("secret"), 500, "internal"),
        (TimeoutError(), 408, "invalid_payload"),
    ],
)
def test_faults_are_told_in_the_tables_words_without_details(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def scenario(bench: Bench) -> None:
        monkeypatch.setattr(bench.store.sessions, "summary", failing(error))
        reply = await bench.get(f"/api/sessions/{SESSION}")
        assert (reply.status, reply.json["code"]) == (status, code)
        assert b"secret" not in reply.body
        assert b"Traceback" not in reply.body

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/api/sessions", 405, "invalid_payload"),
        ("GET", "/api/sessions/%00", 404, "not_found"),
        ("GET", "/api/sessions/" + "x" * 4000, 404, "not_found"),
    ],
)
def test_what_the_framework_refuses_is_typed_too(
    tmp_path: Path, method: str, path: str, status: int, code: str
) -> None:
    async def scenario(bench: Bench) -> None:
        reply = await bench.call(method, path)
        assert (reply.status, reply.json["code"]) == (status, code)
        assert ("Allow" in reply.headers) == (status == 405)

    run(tmp_path, scenario)


def test_a_missing_token_asks_for_one(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        reply = await bench.get("/api/sessions", user=None)
        assert (reply.status, reply.json["code"]) == (401, "unauthorized")
        assert reply.headers["WWW-Authenticate"] == "Bearer"

    run(tmp_path, scenario)


def test_a_client_that_went_away_is_no_error_in_the_log() -> None:
    request = make_mocked_request("GET", "/socket.io/")
    gone = failing(ConnectionResetError("Cannot write to closing transport"))
    assert request.transport is not None
    request.transport.is_closing.return_value = True  # type: ignore[attr-defined] # a double
    response = asyncio.run(typed_errors(request, gone))
    assert response.status == 500
