from pathlib import Path

import pytest

from scribe_server.http_api.routes import TABLE
from tests.server.http_api.bench import SESSION, Bench, run

GUARDED = [route for route in TABLE if route.token]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_a_guarded_route_wants_a_token_and_hides_other_users_sessions(
    tmp_path: Path, route: object
) -> None:
    method, path = route.method, route.path  # type: ignore[attr-defined] # parametrised

    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, b"\x1a\x45\xdf\xa3one", None)], scribe_client=False)
        place = path.format(id=SESSION, sequence=0)
        body = {"json": {"title": "Taken"}} if method == "PATCH" else {}
        for token in (None, "scribe_forged", bench.tokens["ada"][:-1]):
            reply = await bench.call(method, place, user=token, **body)
            assert (reply.status, reply.json["code"]) == (401, "unauthorized")
        reply = await bench.call(method, place, user="bob", **body)
        if "{id}" in path:
            assert (reply.status, reply.json["code"]) == (404, "not_found")
        else:
            assert reply.json == {"sessions": [], "next": None}
        summary = (await bench.get(f"/api/sessions/{SESSION}")).json
        assert (summary["title"], summary["chunks"]) == ("Call", 1)

    run(tmp_path, scenario)
