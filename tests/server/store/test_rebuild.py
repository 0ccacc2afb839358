import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select, text

from scribe_server.errors import StartupError
from scribe_server.protocol import ChunkAck, Receipt
from scribe_server.store.clock import now_ms
from scribe_server.store.database import DATABASE_NAME, damages
from scribe_server.store.rebuild import Rebuilt, rebuild
from scribe_server.store.schema import chunks
from scribe_server.store.segments import SegmentStore
from tests.parts.store import (
    OTHER_SESSION,
    SESSION,
    Served,
    audio_of,
    chunk_of,
    served,
    sha_of,
    stop_of,
)

DELETED = "33333333-3333-4333-8333-333333333333"


def rebuilt(folder: Path) -> Rebuilt:
    blobs = SegmentStore(folder / "segments", {})
    return rebuild(folder / DATABASE_NAME, blobs, now_ms())


def lose_database(folder: Path) -> None:
    for path in folder.glob(DATABASE_NAME + "*"):
        path.unlink()


def tell(server: Served, name: str, session: str) -> dict[int, tuple[str, str]]:
    found = asyncio.run(server.store.sessions.chunks(server.owner(name), session))
    assert found is not None
    return {chunk.sequence: (chunk.sha256, chunk.state) for chunk in found.chunks}


def fill(folder: Path, *, max_segment_bytes: int = 1) -> None:
    """Two users' sessions, one of them with its receipt, and one that was deleted."""
    with served(folder, max_segment_bytes=max_segment_bytes) as server:
        anna, ben = server.owner("anna"), server.owner("ben")
        asyncio.run(server.record(anna, [0, 1]))
        asyncio.run(server.record(anna, [0], DELETED))
        asyncio.run(server.record(ben, [0, 2], OTHER_SESSION))
        asyncio.run(server.ingest.stop_session(anna, stop_of(2)))
        asyncio.run(server.store.sessions.delete(anna, DELETED))


def test_a_lost_database_is_made_again_from_the_segments(tmp_path: Path) -> None:
    fill(tmp_path)
    lose_database(tmp_path)
    with pytest.raises(StartupError, match="no database") as refused, served(tmp_path):
        raise AssertionError("it started empty")
    assert "doctor --rebuild" in refused.value.remedy
    assert rebuilt(tmp_path) == Rebuilt(users=2, sessions=2, chunks=4, deleted=1)
    with served(tmp_path) as server:
        assert tell(server, "anna", SESSION) == {n: (sha_of(n), "stored") for n in (0, 1)}
        assert tell(server, "ben", OTHER_SESSION) == {
            n: (sha_of(n, OTHER_SESSION), "stored") for n in (0, 2)
        }
        missing = asyncio.run(server.store.sessions.missing(server.owner("ben"), OTHER_SESSION))
        assert missing is not None
        assert missing.missing == [1]
        for sequence in (0, 1):
            ref = asyncio.run(
                server.store.sessions.chunk_ref(server.owner("anna"), SESSION, sequence)
            )
            assert ref is not None
            assert server.store.blobs.read(ref) == audio_of(sequence)


def test_after_it_recording_goes_on_and_a_stop_gives_a_receipt(tmp_path: Path) -> None:
    fill(tmp_path)
    lose_database(tmp_path)
    rebuilt(tmp_path)
    with served(tmp_path) as server:
        anna = server.owner("anna")
        again = asyncio.run(server.send(anna, chunk_of(1)))
        assert isinstance(again, ChunkAck)
        assert again.duplicate
        asyncio.run(server.record(anna, [2]))
        _, receipt = asyncio.run(server.ingest.stop_session(anna, stop_of(3)))
        assert isinstance(receipt, Receipt)
    with served(tmp_path) as server:
        assert tell(server, "anna", SESSION) == {n: (sha_of(n), "stored") for n in range(3)}


def test_a_deleted_session_does_not_come_back(tmp_path: Path) -> None:
    fill(tmp_path)
    lose_database(tmp_path)
    rebuilt(tmp_path)
    with served(tmp_path) as server:
        anna = server.owner("anna")
        assert asyncio.run(server.store.sessions.chunks(anna, DELETED)) is None
        assert asyncio.run(server.store.sessions.delete(anna, DELETED)) is True


def test_bytes_that_a_crash_left_of_a_deleted_session_are_wiped_at_the_next_start(
    tmp_path: Path,
) -> None:
    fill(tmp_path, max_segment_bytes=1 << 20)
    path = tmp_path / "segments" / "00000001.seg"
    data = path.read_bytes()
    at = data.index(DELETED.encode())
    payload = audio_of(0, DELETED)
    hole = data.index(bytes(len(payload)), at)
    digest = hashlib.sha256(payload).digest()
    assert data.rindex(digest, 0, hole) < at
    start = data.index(b"}", at) + 1
    path.write_bytes(data[:start] + payload + data[start + len(payload) :])
    lose_database(tmp_path)
    rebuilt(tmp_path)
    assert payload in path.read_bytes()
    with served(tmp_path):
        assert payload not in path.read_bytes()


def test_a_damaged_chunk_is_known_and_waits_for_its_client(tmp_path: Path) -> None:
    fill(tmp_path)
    lose_database(tmp_path)
    path = tmp_path / "segments" / "00000001.seg"
    path.write_bytes(path.read_bytes().replace(audio_of(0), b"?" * len(audio_of(0))))
    found = rebuilt(tmp_path)
    assert (found.chunks, found.damaged) == (3, 1)
    with served(tmp_path) as server:
        assert tell(server, "anna", SESSION)[0] == (sha_of(0), "damaged")
        ack = asyncio.run(server.send(server.owner("anna"), chunk_of(0)))
        assert isinstance(ack, ChunkAck)
        assert not ack.duplicate
        assert tell(server, "anna", SESSION)[0] == (sha_of(0), "stored")


def test_a_damaged_database_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    fill(tmp_path)
    path = tmp_path / DATABASE_NAME
    path.write_bytes(b"SQLite format 3\0" + path.read_bytes()[16:60] + b"\xff" * 4000)
    content = path.read_bytes()
    assert damages(path)
    with pytest.raises(StartupError) as refused, served(tmp_path):
        raise AssertionError("it started on a damaged database")
    assert "doctor --rebuild" in refused.value.remedy
    old = rebuilt(tmp_path).old_database
    assert old is not None
    assert old.read_bytes() == content
    with served(tmp_path) as server:
        assert tell(server, "anna", SESSION) == {n: (sha_of(n), "stored") for n in (0, 1)}


def test_a_sound_database_is_not_replaced(tmp_path: Path) -> None:
    fill(tmp_path)
    with pytest.raises(StartupError, match="sound"):
        rebuilt(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.before*")) == []


def test_what_an_interrupted_rebuild_left_is_in_nobodys_way(tmp_path: Path) -> None:
    fill(tmp_path)
    lose_database(tmp_path)
    (tmp_path / f"{DATABASE_NAME}.rebuilding").write_bytes(b"half")
    (tmp_path / f"{DATABASE_NAME}-wal").write_bytes(b"of a database that is gone")
    assert rebuilt(tmp_path).chunks == 4
    assert not (tmp_path / f"{DATABASE_NAME}.rebuilding").exists()
    assert damages(tmp_path / DATABASE_NAME) == []


def damage_header(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset + 20)
        file.write(b"\xff\xff")


def test_bytes_behind_a_damaged_header_are_kept_and_never_appended_to(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
    path = tmp_path / "segments" / "00000001.seg"
    damage_header(path, 4096)
    content = path.read_bytes()
    lose_database(tmp_path)
    found = rebuilt(tmp_path)
    assert (found.chunks, found.unreadable) == (1, {1: len(content) - 4096})
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [1]))
        assert path.read_bytes() == content
        with server.store.database.snapshot() as connection:
            places = connection.execute(select(chunks.c.sequence, chunks.c.segment)).all()
        assert sorted((row.sequence, row.segment) for row in places)[1][1] > 1
    lose_database(tmp_path)
    assert rebuilt(tmp_path).chunks == 2


def test_a_segment_of_which_nothing_can_be_read_is_set_aside(tmp_path: Path) -> None:
    with served(tmp_path, max_segment_bytes=1) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
    second = tmp_path / "segments" / "00000002.seg"
    damage_header(second, 0)
    content = second.read_bytes()
    lose_database(tmp_path)
    assert rebuilt(tmp_path).set_aside == [second]
    with served(tmp_path) as server:
        assert sorted(tell(server, "anna", SESSION)) == [0, 2]
    assert second.with_name("00000002.seg.unreadable").read_bytes() == content


def test_the_first_of_two_records_that_contradict_each_other_counts(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        with server.store.database.transaction() as connection:
            connection.execute(text("DELETE FROM chunks"))
        server.store.hot.forget(owner.user_id, SESSION, -1)
        asyncio.run(server.send(owner, chunk_of(0, audio=audio_of(1))))
    lose_database(tmp_path)
    found = rebuilt(tmp_path)
    assert (found.chunks, found.contradicting) == (1, 1)
    with served(tmp_path) as server:
        assert tell(server, "anna", SESSION) == {0: (sha_of(0), "stored")}
