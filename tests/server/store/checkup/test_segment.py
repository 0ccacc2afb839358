import asyncio
from pathlib import Path

import pytest

from scribe_server.store.checkup.segment import SegmentCheck, SegmentSight
from scribe_server.store.database import DATABASE_NAME, Database
from scribe_server.store.records import MAGIC
from scribe_server.store.segments import SegmentStore
from tests.parts.damage import flip, flip_chunk, rows_of, segment_path
from tests.parts.store import OTHER_SESSION, SESSION, served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with chunks 0 to 2 in one segment."""
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
    return tmp_path


def look(folder: Path, number: int = 1, *, quick: bool = False) -> SegmentSight:
    database = Database(folder / DATABASE_NAME)
    try:
        return SegmentCheck(database, SegmentStore(folder / "segments", {}), quick=quick).look(
            number
        )
    finally:
        database.close()


def sequences(rows: list[object]) -> list[int]:
    return [row.sequence for row in rows]  # type: ignore[attr-defined] - rows and records


def test_a_sound_segment_has_nothing_to_say(folder: Path) -> None:
    sight = look(folder)
    assert (sight.records, sight.rows, sight.counted) == (3, 3, 3)
    assert (sight.damaged, sight.unindexed, sight.unapplied, sight.unreadable) == ([], [], [], 0)
    assert sight.hashed_bytes == sum(size for (size,) in rows_of(folder, "SELECT size FROM chunks"))
    assert look(folder, quick=True).hashed_bytes == 0


def test_one_flipped_bit_is_found_by_its_sha_256_and_not_without(folder: Path) -> None:
    flip_chunk(folder, 1)
    assert sequences(look(folder).damaged) == [1]
    assert look(folder, quick=True).damaged == []


@pytest.mark.parametrize("quick", [True, False])
def test_a_short_segment_has_lost_the_chunks_behind_its_end(folder: Path, quick: bool) -> None:
    with segment_path(folder, 1).open("r+b") as file:
        file.truncate(4096 * 2 + 100)
    assert sequences(look(folder, quick=quick).damaged) == [2]


def test_a_segment_that_is_missing_has_lost_all(folder: Path) -> None:
    segment_path(folder, 1).unlink()
    sight = look(folder, quick=True)
    assert (sequences(sight.damaged), sight.size) == ([0, 1, 2], None)


def test_chunks_behind_a_damaged_header_are_judged_by_their_rows(folder: Path) -> None:
    flip(segment_path(folder, 1), 4096 + 20)
    flip_chunk(folder, 2)
    sight = look(folder)
    assert (sequences(sight.damaged), sight.unreached_sound) == ([2], 1)
    assert sight.unreadable == 2 * 4096


def test_a_whole_record_without_a_row_is_found_and_a_damaged_one_is_not(folder: Path) -> None:
    flip_chunk(folder, 2)
    rows_of(folder, "DELETE FROM chunks WHERE sequence > 0")
    assert sequences(look(folder).unindexed) == [1]


def test_the_old_record_of_a_mended_chunk_is_nothing_to_worry_about(folder: Path) -> None:
    rows_of(folder, "UPDATE chunks SET segment = 9 WHERE sequence = 1")
    assert look(folder).unindexed == []


def test_a_row_that_is_known_to_be_damaged_waits_unless_its_bytes_hold(folder: Path) -> None:
    flip_chunk(folder, 1)
    rows_of(folder, "UPDATE chunks SET state = 'damaged' WHERE sequence > 0")
    sight = look(folder)
    assert (sequences(sight.waiting), sequences(sight.healed)) == ([1], [2])
    quick = look(folder, quick=True)
    assert (sequences(quick.waiting), quick.healed) == ([1, 2], [])


def test_a_tombstone_without_its_row_is_found(folder: Path) -> None:
    with served(folder) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        asyncio.run(server.store.sessions.delete(owner, OTHER_SESSION))
    sight = look(folder)
    assert (sight.unapplied, sight.readable) == ([], [])
    assert sight.graves == {("anna", OTHER_SESSION)}
    rows_of(folder, "DELETE FROM tombstones")
    assert [record.about.session for record in look(folder).unapplied] == [OTHER_SESSION]


def test_bytes_of_a_deleted_session_are_found_unless_they_wait_to_be_wiped(folder: Path) -> None:
    before = segment_path(folder, 1).read_bytes()
    with served(folder) as server:
        asyncio.run(server.store.sessions.delete(server.owner(), SESSION))
    after = segment_path(folder, 1).read_bytes()
    segment_path(folder, 1).write_bytes(before + after[len(before) :])
    sight = look(folder)
    assert sequences(sight.readable) == [0, 1, 2]
    ref = sight.readable[0].ref
    body = f'[{{"segment": 1, "offset": {ref.offset}, "length": {ref.length}}}]'
    rows_of(folder, "INSERT INTO jobs VALUES (1, 'free', ?, 0, NULL, 0)", body.encode())
    assert sequences(look(folder).readable) == [1, 2]
    assert before.startswith(MAGIC)


def test_bytes_behind_the_known_end_are_not_looked_at(folder: Path) -> None:
    rows_of(folder, "DELETE FROM chunks WHERE sequence = 2")
    rows_of(folder, "UPDATE segments SET end = 8192")
    sight = look(folder)
    assert (sight.records, sight.unindexed, sight.size) == (2, [], 12288)


def test_what_was_mended_while_it_was_looked_at_is_no_finding(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip_chunk(folder, 1)
    again = SegmentCheck._look_again

    def meanwhile(*arguments: object) -> None:
        rows_of(folder, "UPDATE chunks SET segment = 2 WHERE sequence = 1")
        database = Database(folder / DATABASE_NAME)
        try:
            with database.snapshot() as connection:
                again(arguments[0], connection, arguments[2])  # type: ignore[arg-type] - passed on
        finally:
            database.close()

    monkeypatch.setattr(SegmentCheck, "_look_again", meanwhile)
    assert look(folder).damaged == []


@pytest.mark.parametrize(
    ("rows", "unreadable", "empty"), [(0, 0, True), (1, 0, False), (0, 9, False)]
)
def test_a_segment_is_empty_when_nothing_in_it_may_be_wanted(
    rows: int, unreadable: int, empty: bool
) -> None:
    assert SegmentSight(1, rows=rows, unreadable=unreadable).is_empty is empty
