from pathlib import Path

from tests.server.http_api.bench import Bench, run


def test_health_keys_document_and_page_need_no_token(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        assert (await bench.get("/healthz", user=None)).json == {"status": "ok"}
        keys = (await bench.get("/.well-known/scribe-keys.json", user=None)).json
        assert keys["serverId"] == bench.store.server_id
        assert len(keys["keys"][0]["publicKey"]) == 64
        assert (await bench.get("/api/openapi.json", user=None)).json["openapi"] == "3.1.0"
        page = await bench.get("/", user=None)
        assert page.headers["Content-Type"].startswith("text/html")
        assert b"Scribe server" in page.body
        assert (await bench.call("HEAD", "/", user=None)).body == b""

    run(tmp_path, scenario)


def test_readiness_is_503_while_no_chunks_are_taken(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        assert (await bench.get("/readyz", user=None)).status == 200
        bench.state = {"canAccept": False, "reason": "disk"}
        reply = await bench.get("/readyz", user=None)
        assert (reply.status, reply.json["reason"]) == (503, "disk")

    run(tmp_path, scenario)
