import asyncio
import json
from pathlib import Path

import msgspec
from sqlalchemy import insert, select, update

from scribe_server.protocol import ManifestGap, StopSession, canonical_json
from scribe_server.retention.contents import Contents, gather, member_name
from scribe_server.store.schema import chunks, markers, sessions
from tests.parts.retention import complete
from tests.parts.store import (
    SESSION,
    START_MS,
    Served,
    audio_of,
    manifest_of,
    served,
    sha_of,
)


def gathered(server: Served, *, audio: bool = True) -> Contents:
    with server.store.database.snapshot() as connection:
        found = gather(connection, 1, audio=audio)
    assert found is not None
    return found


def test_an_archive_tells_all_that_the_books_know(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        manifest = manifest_of(2, gaps=[ManifestGap(5, 0, "pause", 60_000)])
        asyncio.run(server.record(owner, [0, 1]))
        asyncio.run(server.ingest.stop_session(owner, StopSession(SESSION, manifest=manifest)))
        with server.store.database.transaction() as connection:
            connection.execute(
                insert(markers).values(
                    session=1, position=0, at_sample=7, label="Decision", created_at=9
                )
            )
        found = gathered(server)
        summary = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert summary is not None
    assert list(found.texts) == ["metadata.json", "manifest.json", "receipt.json"]
    told = json.loads(found.texts["metadata.json"])
    assert (told["format"], told["sessionId"], told["user"]) == (
        "scribe-archive-1",
        SESSION,
        "anna",
    )
    assert told["gaps"] == [{"atSample": 5, "samples": 0, "reason": "pause", "wallMs": 60_000}]
    assert told["markers"] == [{"atSample": 7, "label": "Decision", "createdAt": 9}]
    first, second = told["chunks"]
    assert first["member"] == "chunks/0000.webm"
    assert second["sha256"] == sha_of(1)
    assert (second["size"], second["firstSample"]) == (len(audio_of(1)), 1_440_000)
    assert second["takenAt"] == START_MS + 30_000
    assert found.texts["manifest.json"] == canonical_json(msgspec.to_builtins(manifest))
    assert json.loads(found.texts["receipt.json"]) == msgspec.to_builtins(summary.receipt)


def test_the_same_session_has_the_same_texts_and_key(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        first, second = gathered(server), gathered(server)
        assert first.texts == second.texts
        assert first.key == second.key
        assert first.is_same(second)
        assert first.key.startswith(f"1/{SESSION}-")
        with server.store.database.transaction() as connection:
            connection.execute(update(sessions).values(title="Another"))
        assert not first.is_same(gathered(server))
        assert gathered(server).key != first.key


def test_a_chunk_that_was_moved_makes_a_difference(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        before = gathered(server)
        with server.store.database.transaction() as connection:
            connection.execute(update(chunks).where(chunks.c.id == 2).values(offset=1))
        assert not before.is_same(gathered(server))


def test_without_audio_there_are_no_chunks_and_another_key(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(complete(server, server.owner()))
        whole, texts = gathered(server), gathered(server, audio=False)
        assert (len(whole.rows), len(texts.rows), len(texts.every_row)) == (3, 0, 3)
        assert whole.key != texts.key
        assert json.loads(texts.texts["metadata.json"])["audio"] is False
        assert len(json.loads(texts.texts["metadata.json"])["chunks"]) == 3


def test_an_original_clients_session_has_no_manifest(tmp_path: Path) -> None:
    async def scenario(server: Served) -> None:
        owner = server.owner()
        await server.record(owner, [0])
        await server.ingest.stop_session(owner, StopSession(SESSION))

    with served(tmp_path) as server:
        asyncio.run(scenario(server))
        assert list(gathered(server).texts) == ["metadata.json"]


def test_a_session_that_was_deleted_has_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.store.database.snapshot() as connection:
        assert gather(connection, 7, audio=True) is None
        assert connection.execute(select(sessions)).all() == []


def test_members_sort_by_name_as_by_sequence_up_to_ten_thousand() -> None:
    names = [member_name(number) for number in (0, 9, 10, 9999)]
    assert names == sorted(names)
    assert member_name(999_999) == "chunks/999999.webm"
