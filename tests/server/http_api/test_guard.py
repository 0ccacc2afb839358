from pathlib import Path

import pytest

from scribe_server.config import ServerConfig
from scribe_server.http_api.guard import Guard
from tests.server.http_api.bench import Bench, run

PAGE = "https://app.example.com"


def guard(host: str = "127.0.0.1", origins: tuple[str, ...] = (PAGE,)) -> Guard:
    folder = Path("/data")
    return Guard(ServerConfig(folder, folder, folder, host=host, allowed_origins=origins))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8765", "localhost", "LOCALHOST:80", "[::1]:8765", "127.9.9.9", "app.example.com"],
)
def test_loopback_and_configured_hosts_are_allowed(host: str) -> None:
    assert guard().host_allowed(host, None)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost:x",
        "evil@localhost",
        "localhost/evil",
        "[::1",
        "192.0.2.7",
    ],
)
def test_any_other_host_is_refused(host: str | None) -> None:
    assert not guard().host_allowed(host, "192.0.2.1")


def test_the_configured_name_and_the_address_a_connection_came_to_are_allowed() -> None:
    assert guard(host="scribe.lan").host_allowed("scribe.lan:8765", None)
    assert guard(host="::").host_allowed("192.0.2.1:8765", "192.0.2.1")


@pytest.mark.parametrize("origin", [None, "http://localhost:8765", PAGE])
def test_own_configured_and_no_origins_are_allowed(origin: str | None) -> None:
    assert guard().origin_allowed(origin, "localhost:8765")


@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://localhost:1", "http://evil.example", "file://", "ftp://localhost:8765"],
)
def test_foreign_origins_are_refused(origin: str) -> None:
    assert not guard().origin_allowed(origin, "localhost:8765")


def test_a_foreign_host_or_origin_gets_a_typed_refusal(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            reply = await bench.get("/healthz", headers=headers)
            assert (reply.status, reply.json["code"]) == (403, "unauthorized")
            assert "Access-Control-Allow-Origin" not in reply.headers

    run(tmp_path, scenario)


def test_cors_headers_are_for_configured_origins_only(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        plain = await bench.get("/healthz")
        assert not [name for name in plain.headers if name.startswith("Access-Control")]
        asked = await bench.get("/healthz", headers={"Origin": PAGE})
        assert asked.headers["Access-Control-Allow-Origin"] == PAGE
        assert asked.headers["Vary"] == "Origin"
        preflight = await bench.call("OPTIONS", "/api/sessions", headers={"Origin": PAGE})
        assert preflight.status == 204
        assert "authorization" in preflight.headers["Access-Control-Allow-Headers"]

    run(tmp_path, scenario, allowed_origins=(PAGE,))


def test_every_answer_forbids_sniffing_and_caching(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        reply = await bench.get("/api/sessions")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]

    run(tmp_path, scenario)
