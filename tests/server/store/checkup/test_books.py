import asyncio
from pathlib import Path

import pytest

from scribe_server.receipts import ReceiptSigner
from scribe_server.store.checkup import books
from scribe_server.store.checkup.findings import Counted, Finding, Kind
from scribe_server.store.database import DATABASE_NAME, Database
from tests.parts.damage import NOW, rows_of
from tests.parts.store import OTHER_SESSION, SESSION, served, stop_of

DAY_MS = 86_400_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A complete session with its receipt, and one that is being recorded."""
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1]))
        asyncio.run(server.ingest.stop_session(owner, stop_of(2)))
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
    return tmp_path


def unsigned(folder: Path, signer: ReceiptSigner | None) -> list[Finding]:
    database = Database(folder / DATABASE_NAME)
    try:
        with database.snapshot() as connection:
            return books.unsigned(connection, None if signer is None else signer.holds)
    finally:
        database.close()


def overdue(folder: Path, now: int) -> list[Finding]:
    database = Database(folder / DATABASE_NAME)
    try:
        with database.snapshot() as connection:
            return books.overdue(connection, now)
    finally:
        database.close()


def test_a_receipt_that_this_server_signed_holds(folder: Path) -> None:
    assert unsigned(folder, ReceiptSigner.load(folder)) == []


def test_a_receipt_that_was_changed_or_signed_by_another_key_is_found(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = ReceiptSigner.load_or_create(tmp_path_factory.mktemp("other"))
    (found,) = unsigned(folder, other)
    assert (found.kind, found.session) == (Kind.RECEIPT_INVALID, SESSION)
    rows_of(folder, """UPDATE receipts SET body = replace(body, '"chunks":2', '"chunks":3')""")
    assert len(unsigned(folder, ReceiptSigner.load(folder))) == 1
    rows_of(folder, "UPDATE receipts SET body = 'nonsense'")
    assert len(unsigned(folder, ReceiptSigner.load(folder))) == 1


def test_receipts_without_their_key_are_one_finding(folder: Path) -> None:
    (found,) = unsigned(folder, None)
    assert found.kind is Kind.RECEIPT_KEY
    rows_of(folder, "DELETE FROM receipts")
    assert unsigned(folder, None) == []


def test_a_session_that_is_incomplete_for_more_than_thirty_days_is_found(folder: Path) -> None:
    assert overdue(folder, NOW + 29 * DAY_MS) == []
    (found,) = overdue(folder, NOW + 31 * DAY_MS)
    assert (found.kind, found.session) == (Kind.SESSION_INCOMPLETE, OTHER_SESSION)
    assert "31 days" in found.message
    assert not found.is_problem


def test_rows_that_name_missing_ones_deleted_sessions_and_waiting_jobs_are_found(
    folder: Path,
) -> None:
    rows_of(folder, "INSERT INTO tombstones VALUES (1, ?, 17, 1)", SESSION)
    rows_of(folder, "INSERT INTO jobs VALUES (1, 'free', '[]', 0, NULL, 0)")
    rows_of(folder, "INSERT INTO gaps VALUES (99, 0, 0, 0, 'mute', 0)")
    database = Database(folder / DATABASE_NAME)
    with database.snapshot() as connection:
        assert books.undead(connection) == [books.Undead(1, "anna", SESSION, 17, 1)]
        assert [found.kind for found in books.waiting_deletions(connection)] == [
            Kind.DELETION_WAITING
        ]
        (key,) = books.foreign_keys(connection)
        assert "gaps" in key.message
        assert books.known_segments(connection) == {1}
        counted = Counted()
        books.count(connection, counted)
        assert (counted.sessions, counted.chunks, counted.receipts, counted.tombstones) == (
            *(2, 3, 1, 1),
        )
    database.close()
