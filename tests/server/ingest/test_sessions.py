import asyncio
from pathlib import Path

from sqlalchemy import delete, select

from scribe_server.protocol import (
    PauseSession,
    ResumeSession,
    SessionStarted,
    StartSession,
    StopSession,
)
from scribe_server.store.reindex import Reindexer
from scribe_server.store.schema import chunks, devices, sessions
from tests.parts.store import OTHER_SESSION, SESSION, START_MS, Served, served, stop_of


def row(server: Served) -> dict[str, object]:
    with server.store.database.snapshot() as connection:
        return dict(connection.execute(select(sessions)).mappings().one())


def test_a_new_session_keeps_all_that_the_client_says_of_it(tmp_path: Path) -> None:
    request = StartSession(
        session_id=SESSION,
        title="Budget",
        source="tab",
        started_at=START_MS - 5000,
        timezone="Europe/Lisbon",
        sample_rate=48_000,
        channels=1,
        codec="opus",
        chunk_ms=30_000,
        device="Headset",
        forked_from=OTHER_SESSION,
    )
    with served(tmp_path) as server:
        owner = server.owner(device_id="laptop")
        answer = asyncio.run(server.ingest.start_session(owner, request, scribe_client=True))
        assert answer == SessionStarted(SESSION, "recording", START_MS - 5000, [], -1)
        found = row(server)
        for name in (
            *("title", "source", "started_at", "timezone", "sample_rate", "channels"),
            *("codec", "chunk_ms", "device", "forked_from"),
        ):
            assert found[name] == getattr(request, name), name
        assert (found["device_id"], found["layout"]) == ("laptop", "chunks")


def test_without_a_start_time_the_servers_counts(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.start(server.owner(), scribe_client=False))
        found = row(server)
        assert found["started_at"] == found["created_at"]
        assert found["layout"] == "fragments"


def test_resuming_keeps_the_session_and_notes_the_device(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(device_id="laptop"), [0]))
        before = row(server)
        asyncio.run(server.start(server.owner(device_id="phone"), scribe_client=False))
        assert row(server) == {**before, "device_id": "phone"}
        asyncio.run(server.start(server.owner()))
        assert row(server)["device_id"] == "phone"
        with server.store.database.snapshot() as connection:
            met = connection.execute(select(devices.c.device_id)).scalars().all()
        assert sorted(met) == ["laptop", "phone"]


def test_resuming_after_a_stop_tells_the_status(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        asyncio.run(server.ingest.stop_session(owner, stop_of(2)))
        answer = asyncio.run(server.start(owner))
        assert isinstance(answer, SessionStarted)
        assert (answer.status, answer.max_seq) == ("incomplete", 0)


def test_a_pause_is_noted_until_recording_goes_on_or_ends(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner, ingest = server.owner(), server.ingest
        asyncio.run(server.record(owner, []))
        asyncio.run(ingest.pause_session(owner, PauseSession(SESSION, 1)))
        assert row(server)["paused_at"] is not None
        asyncio.run(ingest.resume_session(owner, ResumeSession(SESSION)))
        assert row(server)["paused_at"] is None
        asyncio.run(ingest.pause_session(owner, PauseSession(SESSION)))
        asyncio.run(ingest.stop_session(owner, StopSession(SESSION)))
        assert row(server)["paused_at"] is None


def test_starting_a_session_that_was_indexed_from_its_records_fills_in_what_they_cannot_tell(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        records = list(server.store.blobs.scan())
        with server.store.database.transaction() as connection:
            for table in (chunks, sessions):
                connection.execute(delete(table))
            reindexer = Reindexer(connection, START_MS)
            reindexer.take(records[0])
            reindexer.finish()
        before = row(server)
        assert (before["title"], before["source"]) == ("", "unknown")
        server.store.hot.forget(server.owner().user_id, SESSION, -1)
        asyncio.run(server.start(server.owner()))
        assert row(server) == {**before, "title": "A talk", "source": "mic"}
