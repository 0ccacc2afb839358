import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from scribe_desktop import server_api
from scribe_desktop.errors import RefusedError, ScribeError, UnreachableError, UsageError
from scribe_desktop.server_api import ServerApi, blocking, is_safe_for_tokens, normalise_origin
from scribe_server.protocol import PublicKey, ServerKeys, StoredChunk

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Scribe.Example.org", "https://scribe.example.org"),
        ("  scribe.example.org/ ", "https://scribe.example.org"),
        ("https://scribe.example.org:443", "https://scribe.example.org"),
        ("http://scribe.example.org:80", "http://scribe.example.org"),
        ("https://scribe.example.org:8443", "https://scribe.example.org:8443"),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_becomes_an_origin(text: str, origin: str) -> None:
    assert normalise_origin(text) == origin
    assert normalise_origin(origin) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ftp://scribe.example.org",
        "https://",
        "https://user:secret@scribe.example.org",
        "https://scribe.example.org/sub",
        "https://scribe.example.org/?a=1",
        "https://scribe.example.org:99999",
        "https://scribe example.org",
        "https://[::1",
    ],
)
def test_what_is_no_address_is_explained(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        normalise_origin(text)
    assert "https://" in refused.value.remedy


@pytest.mark.parametrize(
    ("origin", "safe"),
    [
        ("https://scribe.example.org", True),
        ("http://localhost:1", True),
        ("http://127.8.9.1", True),
        ("http://[::1]", True),
        ("http://scribe.example.org", False),
        ("http://10.0.0.1", False),
        ("http://localhost.example.org", False),
    ],
)
def test_a_token_travels_protected_or_not_at_all(origin: str, safe: bool) -> None:
    assert is_safe_for_tokens(origin) is safe
    if not safe:
        with pytest.raises(UsageError, match="not protected"):
            ServerApi(origin, "token")
        ServerApi(origin, "token", insecure=True)
        ServerApi(origin, None)


def ask(handler: Handler, call: Callable[[ServerApi], Awaitable[object]]) -> object:
    """What a call gives when a server answers every request with the handler."""

    async def main() -> object:
        application = web.Application()
        application.router.add_get("/{path:.*}", handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            return await call(ServerApi(origin, "secret"))
        finally:
            await runner.cleanup()

    return asyncio.run(main())


def test_the_chunks_of_a_session_are_listed_with_the_token() -> None:
    seen: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers["Authorization"]))
        chunk = {"sequence": 0, "sha256": "a" * 64, "size": 5, "state": "stored"}
        return web.json_response({"chunks": [chunk]})

    assert ask(answer, lambda api: api.chunks("abc")) == [StoredChunk(0, "a" * 64, 5, "stored")]
    assert seen == [("/api/sessions/abc/chunks", "Bearer secret")]


def test_a_session_that_the_server_does_not_know_has_no_chunks() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"code": "not_found", "error": "no"}, status=404)

    assert ask(answer, lambda api: api.chunks("abc")) == []


def test_the_bytes_of_a_chunk_come_as_they_are() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=request.path.encode() + b"\0")

    found = ask(handler, lambda api: api.chunk("abc", 7))
    assert found == b"/api/sessions/abc/chunks/7\0"


def test_the_keys_come_with_the_servers_id() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/.well-known/scribe-keys.json"
        key = {"keyId": "k", "algorithm": "ed25519", "publicKey": "00"}
        return web.json_response({"serverId": "s", "keys": [key]})

    found = ask(answer, lambda api: api.keys())
    assert found == ServerKeys("s", [PublicKey("k", "ed25519", "00")])


def test_a_refusal_says_what_the_server_said() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"code": "unauthorized", "error": "Who are you?"}, status=401)

    with pytest.raises(RefusedError) as refused:
        ask(answer, lambda api: api.sessions(limit=1, cursor="c"))
    assert refused.value.message == "Who are you?"


def test_a_redirect_is_an_error_and_nobody_else_is_asked() -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/elsewhere")

    with pytest.raises(UnreachableError, match="redirects"):
        ask(answer, lambda api: api.health())
    assert asked == ["/healthz"]


@pytest.mark.parametrize(
    ("body", "status"),
    [("not json", 200), ('{"serverId": 3}', 200), ('{"serverId":"s","keys":[]}', 200), ("x", 500)],
)
def test_an_answer_of_another_form_is_not_a_scribe_server(body: str, status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, status=status)

    with pytest.raises(UnreachableError, match="not a Scribe server"):
        ask(answer, lambda api: api.keys())


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_api, "MAX_BODY_BYTES", 1_000)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=bytes(2_000))

    with pytest.raises(UnreachableError, match="too long"):
        ask(answer, lambda api: api.keys())


def test_nobody_there_is_out_of_reach_also_without_a_loop() -> None:
    with pytest.raises(ScribeError) as failed:
        blocking(ServerApi("http://127.0.0.1:9", None).health())
    assert failed.value.exit_code == UnreachableError.exit_code


def test_an_empty_list_of_sessions_is_fine() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"sessions": [], "next": None})

    found = ask(answer, lambda api: api.sessions())
    assert getattr(found, "sessions", None) == []
