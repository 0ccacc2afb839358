import asyncio
from pathlib import Path

import pytest

from scribe_server.store.checkup.findings import Kind
from scribe_server.store.database import DATABASE_NAME
from tests.parts.damage import check, flip_chunk, kinds, rows_of, segment_path
from tests.parts.store import OTHER_SESSION, SESSION, served, stop_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete session in three segments, and one that was deleted."""
    with served(tmp_path, max_segment_bytes=1) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1, 2]))
        asyncio.run(server.ingest.stop_session(owner, stop_of(3)))
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        asyncio.run(server.store.sessions.delete(owner, OTHER_SESSION))
    return tmp_path


@pytest.mark.parametrize("quick", [True, False])
def test_a_sound_folder_has_no_findings_and_is_not_changed(folder: Path, quick: bool) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    examined = check(folder, quick=quick)
    assert examined.findings == []
    assert examined.is_sound
    counted = examined.counted
    assert (counted.sessions, counted.chunks, counted.receipts, counted.tombstones) == (
        *(1, 3, 1, 1),
    )
    after = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    assert after == before


def test_a_damaged_chunk_is_a_problem_that_names_its_session_and_sequence(folder: Path) -> None:
    flip_chunk(folder, 1)
    examined = check(folder)
    (found,) = examined.findings
    assert (found.kind, found.session, found.user) == (Kind.CHUNK_DAMAGED, SESSION, "anna")
    assert found.sequences == ((1, 1),)
    assert not examined.is_sound


def test_a_database_that_sqlite_finds_damaged_is_all_that_is_said(folder: Path) -> None:
    path = folder / DATABASE_NAME
    path.write_bytes(path.read_bytes()[:5000])
    assert set(kinds(check(folder))) == {Kind.DATABASE_DAMAGED}


def test_a_missing_database_is_a_finding_and_not_made(folder: Path) -> None:
    (folder / DATABASE_NAME).unlink()
    assert kinds(check(folder)) == [Kind.DATABASE_DAMAGED]
    assert not (folder / DATABASE_NAME).exists()


def test_a_segment_that_no_row_knows_is_found_and_one_without_life_too(folder: Path) -> None:
    segment_path(folder, 9).write_bytes(bytes(4096))
    rows_of(folder, "INSERT INTO segments VALUES (8, 4096, 0, 0)")
    segment_path(folder, 8).write_bytes(b"")
    found = kinds(check(folder))
    assert Kind.SEGMENT_UNKNOWN in found
    assert Kind.SEGMENT_UNKNOWN not in kinds(check(folder, beside=True))


def test_a_deletion_that_only_the_database_knows_is_a_problem(folder: Path) -> None:
    rows_of(folder, "INSERT INTO tombstones VALUES (1, 'gone', 17, 1)")
    examined = check(folder)
    assert kinds(examined) == [Kind.TOMBSTONE_NOT_RECORDED]
    assert examined.unrecorded == {("anna", "gone")}


def test_files_of_a_crash_are_a_notice_unless_a_server_runs(folder: Path) -> None:
    cache = folder / "cache" / "audio"
    cache.mkdir(parents=True)
    (cache / "x.part").write_bytes(b"")
    examined = check(folder)
    assert kinds(examined) == [Kind.LEFTOVER]
    assert examined.is_sound
    assert check(folder, beside=True).findings == []


def test_a_check_beside_a_running_server_finds_nothing_wrong(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        assert check(tmp_path, beside=True).findings == []
