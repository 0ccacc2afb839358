import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, update

from scribe_server.operations.doctor import doctor
from scribe_server.protocol import ManifestGap, SessionStatus, StopSession
from scribe_server.retention import adopting
from scribe_server.retention.adopting import adopt
from scribe_server.retention.moving import Mover
from scribe_server.store.archives.rows import forget_archive
from scribe_server.store.database import DATABASE_NAME
from scribe_server.store.errors import BlobDamagedError
from scribe_server.store.schema import archives, chunks, gaps, jobs, sessions, tombstones
from tests.parts.damage import flip
from tests.parts.retention import (
    COOLING,
    archive_paths,
    archived,
    job_kinds,
    read,
    run_after,
    status_of,
)
from tests.parts.store import SESSION, Served, audio_of, manifest_of, served


def key_in(folder: Path) -> str:
    (path,) = archive_paths(folder)
    return path.relative_to(folder / "archives").as_posix()


def take(server: Served) -> str:
    return adopt(
        server.store.database, server.store.shelf.place, key_in(server.folder), server.clock()
    )


def lose_the_database(folder: Path) -> None:
    for path in folder.glob(f"{DATABASE_NAME}*"):
        path.unlink()
    for path in folder.glob("segments/*.seg"):
        path.unlink()


def test_a_session_whose_books_are_lost_comes_back_from_its_archive(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        manifest = manifest_of(3, gaps=[ManifestGap(5, 0, "pause", 60_000)])
        asyncio.run(server.record(owner, [0, 1, 2]))
        asyncio.run(server.ingest.stop_session(owner, StopSession(SESSION, manifest=manifest)))
        before = asyncio.run(server.store.sessions.summary(owner, SESSION))
        asyncio.run(Mover(server.store).archive(1, lambda _: True))
    lose_the_database(tmp_path)
    with served(tmp_path) as server:
        owner = server.owner("ben")
        said = take(server)
        assert said.endswith(f"of session {SESSION} of anna into the books again: 3 chunks")
        owner = server.owner()
        after = asyncio.run(server.store.sessions.summary(owner, SESSION))
        assert before is not None
        assert after is not None
        assert (after.status, after.title, after.receipt) == (
            SessionStatus.ARCHIVED,
            before.title,
            before.receipt,
        )
        assert [asyncio.run(read(server, owner, n)) for n in range(3)] == [
            audio_of(n) for n in range(3)
        ]
        again = asyncio.run(
            server.ingest.stop_session(owner, StopSession(SESSION, manifest=manifest))
        )
        assert again[-1] == before.receipt
        with server.store.database.snapshot() as connection:
            assert connection.execute(select(gaps.c.reason)).scalars().all() == ["pause"]
        assert "the books know more" in take(server)


def test_an_older_database_is_pointed_to_the_archive_where_its_segments_are_gone(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        with server.store.database.transaction() as connection:
            forget_archive(connection, 1, 1)
            connection.execute(jobs.delete())
            # As the database was before: in a segment, whose bytes have gone since.
            connection.execute(update(chunks).values(segment=1, offset=500, state="damaged"))
            connection.execute(update(chunks).where(chunks.c.id == 3).values(sha256=bytes(32)))
            connection.execute(update(sessions).values(status="incomplete"))
        assert "into the books again: 2 chunks" in take(server)
        owner = server.owner()
        assert asyncio.run(read(server, owner, 1)) == audio_of(1)
        assert asyncio.run(read(server, owner, 2)) is None  # it was another chunk
        assert status_of(server) is SessionStatus.INCOMPLETE


def test_an_archive_of_a_deleted_session_is_not_taken_in_and_goes(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
    lose_the_database(tmp_path)
    with served(tmp_path) as server:
        row = {"owner": server.owner().user_id, "uuid": SESSION, "deleted_at": 1, "segment": 0}
        with server.store.database.transaction() as connection:
            connection.execute(insert(tombstones).values(row))
        assert "the session was deleted" in take(server)
        assert job_kinds(server) == ["archive-drop"]
        asyncio.run(run_after(server, 0))
        assert archive_paths(tmp_path) == []


def test_a_cold_session_comes_back_cold(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        asyncio.run(run_after(server, 31, COOLING))
    lose_the_database(tmp_path)
    with served(tmp_path) as server:
        take(server)
        assert status_of(server) is SessionStatus.COLD


def test_a_damaged_archive_or_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        (path,) = archive_paths(tmp_path)
        flip(path, path.read_bytes().index(audio_of(1)) + 20)
        with pytest.raises(BlobDamagedError, match="1 chunks of archive"):
            take(server)
        with monkeypatch.context() as patch:
            patch.setattr(adopting, "ARCHIVE_FORMAT", "another")
            flip(path, path.read_bytes().index(audio_of(0)[:20]) + 25)
            with pytest.raises(BlobDamagedError, match="has the format 'scribe-archive-1'"):
                take(server)
        path.write_bytes(b"PK no zip at all")
        with pytest.raises(BlobDamagedError, match="cannot be read"):
            take(server)
        with pytest.raises(BlobDamagedError, match="is missing"):
            adopt(server.store.database, server.store.shelf.place, "9/none.zip", 1)
        with server.store.database.snapshot() as connection:
            assert len(connection.execute(select(archives)).all()) == 1


def test_doctor_takes_archives_into_new_books(tmp_path: Path) -> None:
    def run(*words: str) -> dict[str, object]:
        done = CliRunner().invoke(
            doctor, ["--data-dir", str(tmp_path), "--json", *words], catch_exceptions=False
        )
        document: dict[str, object] = json.loads(done.stdout)
        return document

    with served(tmp_path) as server:
        archived(server, server.owner())
    for path in tmp_path.glob(f"{DATABASE_NAME}*"):
        path.unlink()
    run("--rebuild")
    with served(tmp_path) as server:
        assert status_of(server) is SessionStatus.INCOMPLETE
    fixed = run("--fix")
    assert any("into the books again: 3 chunks" in line for line in fixed["done"])  # type: ignore[attr-defined]
    assert fixed["sound"] is True
    with served(tmp_path) as server:
        assert status_of(server) is SessionStatus.ARCHIVED
        assert asyncio.run(read(server, server.owner(), 2)) == audio_of(2)
        summary = asyncio.run(server.store.sessions.summary(server.owner(), SESSION))
        assert summary is not None
        assert (summary.title, summary.receipt is not None) == ("A talk", True)
