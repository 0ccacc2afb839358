import asyncio
from pathlib import Path

import pytest
from sqlalchemy import update

from scribe_server.protocol import Manifest, ManifestChunk
from scribe_server.store.queries import (
    chunk_rows,
    find_row,
    highest_sequence,
    manifest_of,
    missing_of_manifest,
    missing_sequences,
    receipt_of,
    stored_ranges,
)
from scribe_server.store.schema import DAMAGED, chunks
from tests.parts.store import SESSION, served, stop_of
from tests.parts.store import manifest_of as made_manifest


def naming(*sequences: int) -> Manifest:
    named = [ManifestChunk(number, "0" * 64, 0, 0) for number in sequences]
    return Manifest(SESSION, named, [], 0)


@pytest.mark.parametrize(
    ("named", "stored", "missing"),
    [
        ([], [], []),
        ([0, 1, 2], [], [0, 1, 2]),
        ([0, 1, 2], [(0, 2)], []),
        ([0, 1, 2], [(5, 9)], [0, 1, 2]),
        ([0, 4, 5, 9], [(0, 3), (5, 5)], [4, 9]),
        ([3, 7], [(0, 0), (2, 3), (8, 8)], [7]),
    ],
)
def test_a_manifests_missing_sequences_are_those_outside_of_the_stored_ranges(
    named: list[int], stored: list[tuple[int, int]], missing: list[int]
) -> None:
    assert missing_sequences(naming(*named), stored) == missing


def test_missing_sequences_in_a_row_are_one_range() -> None:
    assert missing_of_manifest(naming(0, 1, 2, 3, 5), [(2, 2)]) == [(0, 1), (3, 3), (5, 5)]


def test_stored_ranges_leave_out_what_is_damaged_and_the_highest_does_not(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1, 2, 5, 6, 9]))
        with server.store.database.transaction() as connection:
            row = find_row(connection, owner.user_id, SESSION)
            assert row is not None
            assert find_row(connection, owner.user_id + 1, SESSION) is None
            assert stored_ranges(connection, row.id) == [(0, 2), (5, 6), (9, 9)]
            connection.execute(
                update(chunks).where(chunks.c.sequence.in_([1, 9])).values(state=DAMAGED)
            )
            assert stored_ranges(connection, row.id) == [(0, 0), (2, 2), (5, 6)]
            assert highest_sequence(connection, row.id) == 9
            assert [one.sequence for one in chunk_rows(connection, row.id)] == [0, 1, 2, 5, 6, 9]
            assert highest_sequence(connection, row.id + 1) == -1


def test_manifest_and_receipt_are_read_as_they_were_stored(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1]))
        with server.store.database.snapshot() as connection:
            assert manifest_of(connection, 1) is None
            assert receipt_of(connection, 1) is None
        _, receipt = asyncio.run(server.ingest.stop_session(owner, stop_of(2)))
        with server.store.database.snapshot() as connection:
            assert manifest_of(connection, 1) == made_manifest(2)
            assert receipt_of(connection, 1) == receipt
            assert receipt_of(connection, 1, "0" * 64) is None
