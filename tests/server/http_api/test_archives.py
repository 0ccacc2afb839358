from pathlib import Path

from tests.parts.retention import hot_bytes
from tests.parts.store import webm
from tests.server.http_api.bench import SESSION, UNKNOWN, Bench, archived, run

WEBM = webm(b"one")


def test_an_archived_session_can_be_brought_back(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, WEBM, 0)])
        await archived(bench)
        assert WEBM not in hot_bytes(tmp_path)
        for _ in range(2):
            reply = await bench.call("POST", f"/api/sessions/{SESSION}/restore")
            assert (reply.status, reply.json["status"]) == (200, "complete")
        assert WEBM in hot_bytes(tmp_path)
        assert (await bench.get(f"/api/sessions/{SESSION}/chunks/0")).body == WEBM

    run(tmp_path, scenario)


def test_what_is_gone_or_was_never_there_cannot(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, WEBM, 0)])
        await archived(bench, cold=True)
        reply = await bench.call("POST", f"/api/sessions/{SESSION}/restore")
        assert (reply.status, reply.json["code"]) == (409, "conflict")
        reply = await bench.call("POST", f"/api/sessions/{UNKNOWN}/restore")
        assert (reply.status, reply.json["code"]) == (404, "not_found")

    run(tmp_path, scenario)
