from pathlib import Path

import pytest

from tests.parts.capture import one_chunk, recorded_chunks, tone
from tests.parts.damage import flip
from tests.parts.store import webm
from tests.server.http_api.bench import SESSION, Bench, archived, run

PLACE = f"/api/sessions/{SESSION}/audio"
HEADER = b"\x1a\x45\xdf\xa3"


def test_one_chunk_comes_back_as_it_went_in(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        pieces = [(0, HEADER + b"<script>", None), (1, b"<script>alert(1)", None)]
        await bench.upload(pieces, scribe_client=False)
        first = await bench.get(f"/api/sessions/{SESSION}/chunks/0")
        assert (first.body, first.headers["Content-Type"]) == (HEADER + b"<script>", "audio/webm")
        second = await bench.get(f"/api/sessions/{SESSION}/chunks/1")
        assert second.headers["Content-Type"] == "application/octet-stream"
        for sequence in ("2", "-1", "x", "9" * 30):
            reply = await bench.get(f"/api/sessions/{SESSION}/chunks/{sequence}")
            assert (reply.status, reply.json["code"]) == (404, "not_found")

    run(tmp_path, scenario)


def test_a_whole_session_is_one_webm_with_ranges_and_conditions(tmp_path: Path) -> None:
    sound = tone(150_017)
    chunks = recorded_chunks(sound, chunk_packets=50)
    whole = one_chunk(sound)

    async def scenario(bench: Bench) -> None:
        await bench.upload([(c.sequence, c.data, c.first_sample) for c in chunks])
        full = await bench.get(PLACE)
        assert (full.status, full.headers["Content-Type"]) == (200, "audio/webm")
        assert full.body == whole
        assert full.headers["Scribe-Missing-Chunks"] == "0"
        etag = full.headers["ETag"]
        head = await bench.call("HEAD", PLACE)
        assert (head.body, head.headers["Content-Length"]) == (b"", str(len(whole)))
        part = await bench.get(PLACE, headers={"Range": "bytes=10-19"})
        assert (part.status, part.body) == (206, whole[10:20])
        assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
        tail = await bench.get(PLACE, headers={"Range": "bytes=-5", "If-Range": etag})
        assert (tail.status, tail.body) == (206, whole[-5:])
        changed = await bench.get(PLACE, headers={"Range": "bytes=-5", "If-Range": '"old"'})
        assert (changed.status, changed.body) == (200, whole)
        beyond = await bench.get(PLACE, headers={"Range": f"bytes={len(whole)}-"})
        assert beyond.status == 416
        assert beyond.headers["Content-Range"] == f"bytes */{len(whole)}"
        assert (await bench.get(PLACE, headers={"If-None-Match": etag})).status == 304

    run(tmp_path, scenario)


def test_a_missing_chunk_is_told_in_a_header(tmp_path: Path) -> None:
    chunks = recorded_chunks(tone(150_017), chunk_packets=50)
    del chunks[1]

    async def scenario(bench: Bench) -> None:
        await bench.upload([(c.sequence, c.data, c.first_sample) for c in chunks])
        reply = await bench.get(PLACE)
        assert (reply.status, reply.headers["Scribe-Missing-Chunks"]) == (200, "1")

    run(tmp_path, scenario)


def test_a_new_chunk_changes_the_audio_and_its_tag(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, HEADER + b"a", None)], scribe_client=False)
        before = await bench.get(PLACE)
        await bench.upload([(1, b"b", None)], scribe_client=False)
        after = await bench.get(PLACE)
        assert (before.body, after.body) == (HEADER + b"a", HEADER + b"ab")
        assert before.headers["ETag"] != after.headers["ETag"]

    run(tmp_path, scenario)


def test_what_cannot_be_played_says_why(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([], scribe_client=False)
        empty = await bench.get(PLACE)
        await bench.upload([(1, b"b", None)], scribe_client=False)
        headless = await bench.get(PLACE)
        await bench.upload([(0, b"a", None)], scribe_client=False)
        nonsense = await bench.get(PLACE)
        for reply, words in ((empty, "no audio"), (headless, "missing"), (nonsense, "begin")):
            assert (reply.status, reply.json["code"]) == (415, "unsupported_media")
            assert "not playable" in reply.json["error"]
            assert words in reply.json["error"]

    run(tmp_path, scenario)


def test_a_damaged_chunk_of_a_scribe_client_is_reported_not_guessed(tmp_path: Path) -> None:
    # An EBML header of doctype webm, and then nothing that is one.
    hostile = HEADER + b"\x87\x42\x82\x84webm" + bytes(2000)

    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, hostile, 0)])
        reply = await bench.get(PLACE)
        assert (reply.status, reply.json["code"]) == (415, "unsupported_media")

    run(tmp_path, scenario)


def test_an_archived_session_plays_as_before(tmp_path: Path) -> None:
    sound = tone(150_017)
    chunks = recorded_chunks(sound, chunk_packets=50)
    whole = one_chunk(sound)

    async def scenario(bench: Bench) -> None:
        await bench.upload([(c.sequence, c.data, c.first_sample) for c in chunks])
        await archived(bench)
        assert (await bench.get(f"/api/sessions/{SESSION}")).json["status"] == "archived"
        assert (await bench.get(PLACE)).body == whole
        part = await bench.get(PLACE, headers={"Range": "bytes=10-19"})
        assert (part.status, part.body) == (206, whole[10:20])
        for chunk in chunks:
            reply = await bench.get(f"/api/sessions/{SESSION}/chunks/{chunk.sequence}")
            assert reply.body == chunk.data

    run(tmp_path, scenario)


def test_a_cold_session_is_listed_and_says_that_its_audio_is_gone(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, webm(b"one"), 0)])
        await archived(bench, cold=True)
        assert (await bench.get(f"/api/sessions/{SESSION}")).json["chunks"] == 1
        reply = await bench.get(PLACE)
        assert reply.status == 415
        assert "its audio was removed" in reply.json["error"]
        assert (await bench.get(f"/api/sessions/{SESSION}/chunks/0")).status == 404

    run(tmp_path, scenario)


@pytest.mark.logs_errors
def test_a_damaged_or_missing_archive_is_never_played_as_sound(tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.upload([(0, webm(b"one of a kind"), 0)])
        await archived(bench)
        (path,) = (tmp_path / "archives").rglob("*.zip")
        flip(path, path.read_bytes().index(b"one of a kind"))
        for _ in range(2):
            reply = await bench.get(f"/api/sessions/{SESSION}/chunks/0")
            assert (reply.status, reply.json["code"]) == (503, "storage_failed")
            path.unlink(missing_ok=True)

    run(tmp_path, scenario)


def test_deleted_audio_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    chunks = recorded_chunks(tone(150_017), chunk_packets=50)

    async def scenario(bench: Bench) -> None:
        await bench.upload([(c.sequence, c.data, c.first_sample) for c in chunks])
        assert (await bench.get(PLACE)).status == 200
        assert len(list((tmp_path / "cache").iterdir())) == 1
        assert (await bench.call("DELETE", f"/api/sessions/{SESSION}")).status == 204
        assert list((tmp_path / "cache").iterdir()) == []

    run(tmp_path, scenario)
