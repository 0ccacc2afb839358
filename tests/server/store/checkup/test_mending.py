import asyncio
from pathlib import Path

import pytest

from scribe_server.protocol import ChunkAck
from scribe_server.store.checkup.findings import Kind
from tests.parts.damage import check, flip, flip_chunk, kinds, mend, rows_of, segment_path
from tests.parts.store import OTHER_SESSION, SESSION, audio_of, chunk_of, served, stop_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete session of three chunks in one segment."""
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        asyncio.run(server.ingest.stop_session(server.owner(), stop_of(3)))
    return tmp_path


def states(folder: Path) -> list[str]:
    return [state for (state,) in rows_of(folder, "SELECT state FROM chunks ORDER BY sequence")]


def status(folder: Path) -> str:
    ((found,),) = rows_of(folder, "SELECT status FROM sessions WHERE uuid = ?", SESSION)
    return str(found)


def test_mending_a_sound_folder_does_nothing(folder: Path) -> None:
    assert mend(folder) == []


def test_a_damaged_chunk_is_marked_and_its_client_heals_it(folder: Path) -> None:
    flip_chunk(folder, 1)
    assert mend(folder) == [f"Marked 1 chunks of session {SESSION} as damaged"]
    assert (states(folder), status(folder)) == (["stored", "damaged", "stored"], "incomplete")
    assert kinds(check(folder)) == [Kind.CHUNK_MISSING]
    with served(folder) as server:
        ack = asyncio.run(server.send(server.owner(), chunk_of(1)))
        assert isinstance(ack, ChunkAck)
        assert not ack.duplicate
    assert (states(folder), status(folder)) == (["stored"] * 3, "complete")
    assert check(folder).findings == []


def test_chunks_whose_bytes_hold_after_all_count_as_stored_again(folder: Path) -> None:
    rows_of(folder, "UPDATE chunks SET state = 'damaged'")
    assert Kind.CHUNK_SOUND_AGAIN in kinds(check(folder))
    assert mend(folder) == [f"Counted 3 chunks of session {SESSION} as stored again"]
    assert (states(folder), status(folder)) == (["stored"] * 3, "complete")
    assert check(folder).findings == []


def test_a_segment_that_came_back_is_taken_in_again_as_at_a_start(folder: Path) -> None:
    path = segment_path(folder, 1)
    content = path.read_bytes()
    path.unlink()
    with served(folder):
        assert states(folder) == ["damaged"] * 3
    path.write_bytes(content)
    assert len(mend(folder)) == 1
    assert (states(folder), status(folder)) == (["stored"] * 3, "complete")
    assert check(folder).findings == []


def test_whole_records_without_rows_are_indexed_with_their_session(folder: Path) -> None:
    for table in ("receipts", "manifests", "gaps", "chunks", "sessions"):
        rows_of(folder, f"DELETE FROM {table}")  # noqa: S608 - our own words
    rows_of(folder, "UPDATE segments SET live = 0")
    assert mend(folder) == ["Indexed 3 chunks of segment 1 that had no row"]
    assert (states(folder), status(folder)) == (["stored"] * 3, "complete")
    assert check(folder).findings == []


def test_a_tombstone_that_was_not_applied_is(folder: Path) -> None:
    with served(folder) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        asyncio.run(server.store.sessions.delete(owner, OTHER_SESSION))
    rows_of(folder, "DELETE FROM tombstones")
    with served(folder) as server:
        asyncio.run(server.record(server.owner(), [0], OTHER_SESSION))
    assert Kind.TOMBSTONE_NOT_APPLIED in kinds(check(folder))
    assert mend(folder) == [f"Deleted session {OTHER_SESSION}, as its tombstone says"]
    assert check(folder).findings == []
    assert audio_of(0, OTHER_SESSION) not in segment_path(folder, 1).read_bytes()
    assert states(folder) == ["stored"] * 3


def test_a_session_beside_its_tombstone_is_deleted(folder: Path) -> None:
    rows_of(folder, "INSERT INTO tombstones VALUES (1, ?, 17, 1)", SESSION)
    assert set(kinds(check(folder))) == {
        Kind.TOMBSTONE_NOT_APPLIED,
        Kind.TOMBSTONE_NOT_RECORDED,
    }
    done = mend(folder)
    assert f"Deleted session {SESSION}, as its tombstone says" in done
    assert f"Recorded in the segments that session {SESSION} is deleted" in done
    assert check(folder).findings == []
    assert states(folder) == []


def test_bytes_of_a_deleted_session_are_wiped(folder: Path) -> None:
    path = segment_path(folder, 1)
    before = path.read_bytes()
    with served(folder) as server:
        asyncio.run(server.store.sessions.delete(server.owner(), SESSION))
    path.write_bytes(before + path.read_bytes()[len(before) :])
    assert mend(folder) == ["Wiped the bytes of 3 chunks of deleted sessions"]
    assert audio_of(0) not in path.read_bytes()
    assert check(folder).findings == []


def test_counts_are_put_right_and_only_then_empty_segments_go(tmp_path: Path) -> None:
    with served(tmp_path, max_segment_bytes=1) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
    rows_of(tmp_path, "UPDATE segments SET live = 5 WHERE number = 1")
    rows_of(tmp_path, "DELETE FROM chunks WHERE sequence = 1")
    rows_of(tmp_path, "UPDATE segments SET live = 0")
    flip(segment_path(tmp_path, 2), 20)
    done = mend(tmp_path)
    assert "Segment 1 holds 1 chunks, not 0" in done
    assert segment_path(tmp_path, 1).exists()
    assert segment_path(tmp_path, 3).exists()


def test_a_segment_that_is_gone_and_held_nothing_is_forgotten(folder: Path) -> None:
    rows_of(folder, "INSERT INTO segments VALUES (2, 4096, 0, 0)")
    assert Kind.SEGMENT_MISSING in kinds(check(folder))
    mend(folder)
    assert check(folder).findings == []


def test_leftovers_are_removed(folder: Path) -> None:
    left = folder / "scribe.sqlite3.rebuilding"
    left.write_bytes(b"")
    assert mend(folder) == [f"Removed {left}"]
    assert not left.exists()


def test_what_a_start_would_do_is_done_and_said(folder: Path) -> None:
    with segment_path(folder, 1).open("ab") as file:
        file.write(b"torn")
    assert kinds(check(folder)) == [Kind.TAIL]
    (done,) = mend(folder)
    assert "cut 4 bytes" in done
    assert check(folder).findings == []
