import hashlib
from pathlib import Path

from sqlalchemy import insert

from scribe_server.store.blobs import BlobRef, RecordKind
from scribe_server.store.database import Database
from scribe_server.store.schema import users
from scribe_server.store.tombstones import (
    bury,
    end_job,
    is_deleted,
    tombstone_record,
    waiting_burials,
)
from tests.parts.store import OTHER_SESSION, SESSION


def test_a_tombstones_record_names_user_session_and_time() -> None:
    record = tombstone_record(3, "anna", SESSION, 17)
    assert (record.kind, record.owner, record.payload) == (RecordKind.TOMBSTONE, 3, b"")
    assert record.sha256 == hashlib.sha256(b"").digest()
    assert (record.about.session, record.about.user, record.about.stored_at) == (
        SESSION,
        "anna",
        17,
    )


def test_burying_an_unknown_session_remembers_it_as_deleted(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db")
    with database.transaction() as connection:
        connection.execute(insert(users).values(id=1, name="anna", created_at=0))
        for _ in range(2):
            assert bury(connection, 1, SESSION, 5, BlobRef(1, 100, 0)) is None
        assert is_deleted(connection, 1, SESSION)
        assert not is_deleted(connection, 2, SESSION)
        assert not is_deleted(connection, 1, OTHER_SESSION)
        assert waiting_burials(connection) == []
        end_job(connection, 1)
    database.close()
