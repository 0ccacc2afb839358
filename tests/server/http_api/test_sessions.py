from pathlib import Path

import pytest

from scribe_server.retention.runs import set_hold
from tests.parts.store import webm
from tests.server.http_api.bench import SESSION, UNKNOWN, Bench, run

PLACE = f"/api/sessions/{SESSION}"
PIECE = b"\x1a\x45\xdf\xa3one"


def session(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def test_sessions_are_listed_newest_first_in_pages(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        for number in range(3):
            await bench.upload([], session=session(number))
        first = (await bench.get("/api/sessions?limit=2")).json
        assert [s["sessionId"] for s in first["sessions"]] == [session(2), session(1)]
        second = (await bench.get(f"/api/sessions?limit=2&cursor={first['next']}")).json
        assert [s["sessionId"] for s in second["sessions"]] == [session(0)]
        assert second["next"] is None

    run(tmp_path, scenario)


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "9" * 50])
def test_a_bad_limit_is_refused(tmp_path: Path, limit: str) -> None:
    async def scenario(bench: Bench) -> None:
        reply = await bench.get(f"/api/sessions?limit={limit}")
        assert (reply.status, reply.json["code"]) == (400, "invalid_payload")

    run(tmp_path, scenario)


def test_a_session_can_be_renamed(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([])
        reply = await bench.call("PATCH", PLACE, json={"title": "Weekly"})
        assert (reply.status, reply.json["title"]) == (200, "Weekly")
        assert (await bench.get(PLACE)).json["title"] == "Weekly"

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b"\xff", 400),
        (b'{"title":1}', 400),
        (b'{"title":"' + b"x" * 1001 + b'"}', 400),
        (b"[" * 30_000, 400),
        (b" " * 70_000, 413),
    ],
)
def test_a_bad_title_is_refused(tmp_path: Path, body: bytes, status: int) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([])
        reply = await bench.call("PATCH", PLACE, data=body)
        assert (reply.status, reply.json["code"]) == (status, "invalid_payload")
        assert (await bench.get(PLACE)).json["title"] == "Call"

    run(tmp_path, scenario)


def test_deleting_is_for_good_and_may_be_repeated(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, PIECE, None)], scribe_client=False)
        assert (await bench.call("DELETE", PLACE)).status == 204
        assert (await bench.call("DELETE", PLACE)).status == 204
        assert (await bench.get(PLACE)).status == 404
        assert (await bench.call("DELETE", f"/api/sessions/{UNKNOWN}")).status == 404

    run(tmp_path, scenario)


def test_missing_chunks_and_hashes_are_told(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, PIECE, None), (2, b"three", None)], scribe_client=False)
        missing = (await bench.get(f"{PLACE}/missing-chunks")).json
        assert (missing["missing"], missing["maxSeq"], missing["totalChunks"]) == ([1], 2, 2)
        assert (missing["expectedChunks"], missing["complete"]) == (None, None)
        chunks = (await bench.get(f"{PLACE}/chunks")).json["chunks"]
        assert [(c["sequence"], c["size"], c["state"]) for c in chunks] == [
            (0, 7, "stored"),
            (2, 5, "stored"),
        ]

    run(tmp_path, scenario)


def test_a_session_without_chunks_lacks_nothing_yet(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([])
        missing = (await bench.get(f"{PLACE}/missing-chunks")).json
        assert (missing["missing"], missing["maxSeq"]) == ([], -1)

    run(tmp_path, scenario)


def test_a_session_under_a_legal_hold_is_not_deleted(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, webm(b"one"), 0)])
        with bench.store.database.transaction() as connection:
            assert set_hold(connection, "ada", SESSION, 1)
            assert not set_hold(connection, "bob", SESSION, 1)
        reply = await bench.call("DELETE", f"/api/sessions/{SESSION}")
        assert (reply.status, reply.json["error"]) == (409, "This session is under a legal hold.")
        assert (await bench.get(f"/api/sessions/{SESSION}")).status == 200

    run(tmp_path, scenario)
