import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import DBAPIError

from scribe_server.errors import StartupError
from scribe_server.store.database import (
    Database,
    begin,
    damages,
    database_path,
    is_current,
    translate,
)
from scribe_server.store.errors import StorageError, StorageFailedError, StorageFullError
from scribe_server.store.schema import users


def names(connection: Connection) -> list[str]:
    return list(connection.execute(select(users.c.name)).scalars())


def add(database: Database, *wanted: str, fails: bool = False) -> None:
    with database.transaction() as connection:
        for name in wanted:
            connection.execute(insert(users).values(name=name, created_at=0))
        if fails:
            raise ValueError("halfway")


def fill(connection: Connection) -> None:
    with begin(connection):
        for number in range(5000):
            connection.execute(insert(users).values(name=f"{number:0190}", created_at=0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scribe.sqlite3"


def test_every_connection_is_durable_and_checks_foreign_keys(path: Path) -> None:
    database = Database.open(path)
    for opened in (database.transaction(), database.snapshot(), database.writing_connection()):
        with opened as connection:
            found = [
                connection.execute(text(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert found == ["wal", 2, 1]
    database.close()


def test_no_room_for_the_memory_that_is_shared_is_a_full_disk() -> None:
    refused = sqlite3.OperationalError("disk I/O error")
    refused.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert isinstance(translate(DBAPIError("SELECT 1", {}, refused)), StorageFullError)


def test_a_connection_that_sqlite_will_not_make_durable_is_refused(tmp_path: Path) -> None:
    # A database in memory has no write-ahead log.
    with (
        pytest.raises(StorageFailedError, match="journal_mode"),
        Database(Path(":memory:")).snapshot(),
    ):
        raise AssertionError("it was opened")
    assert list(tmp_path.iterdir()) == []


def test_a_transaction_that_fails_leaves_nothing(path: Path) -> None:
    database = Database.open(path)
    with pytest.raises(ValueError, match="halfway"):
        add(database, "one", fails=True)
    with database.snapshot() as connection:
        assert names(connection) == []
    database.close()


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(path: Path) -> None:
    database = Database.open(path)
    with database.snapshot() as reading:
        assert names(reading) == []
        with database.transaction() as writing:
            writing.execute(insert(users).values(name="one", created_at=0))
        assert names(reading) == []
    with database.snapshot() as reading:
        assert names(reading) == ["one"]
    database.close()


def test_sqlites_errors_become_ours(path: Path) -> None:
    database = Database.open(path)
    with pytest.raises(StorageFailedError, match="UNIQUE"):
        add(database, "one", "one")
    with pytest.raises(StorageFailedError, match="no such table"), database.snapshot() as reading:
        reading.execute(text("SELECT * FROM nowhere"))
    with database.writing_connection() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        connection.rollback()
        with pytest.raises(StorageFullError):
            fill(connection)
    database.close()


def test_reading_and_writing_from_asyncio_happen_on_other_threads(path: Path) -> None:
    async def scenario() -> tuple[list[str], list[str]]:
        database = Database.open(path)

        def write(connection: Connection) -> str:
            connection.execute(insert(users).values(name="one", created_at=0))
            return threading.current_thread().name

        threads = [
            await database.write(write),
            await database.off_loop(lambda: threading.current_thread().name),
            await database.in_background(lambda: threading.current_thread().name),
        ]
        found = await database.read(names)
        database.close()
        return threads, found

    threads, found = asyncio.run(scenario())
    assert [name.rsplit("_", 1)[0] for name in threads] == [
        "scribe-read",
        "scribe-read",
        "scribe-work",
    ]
    assert found == ["one"]


@pytest.mark.parametrize("url", [None, ""])
def test_without_an_address_the_database_is_in_the_data_folder(
    tmp_path: Path, url: str | None
) -> None:
    assert database_path(tmp_path, url) == tmp_path / "scribe.sqlite3"


def test_an_sqlite_address_names_the_file(tmp_path: Path) -> None:
    assert database_path(tmp_path, "sqlite:////srv/books.db") == Path("/srv/books.db")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://user:secret@host/scribe", "postgresql: not yet"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("nonsense", "not a database address"),
    ],
)
def test_other_databases_are_refused_in_words(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(StartupError, match=told) as refused:
        database_path(tmp_path, url)
    assert refused.value.remedy
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" * 300])
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StartupError) as refused:
        Database.open(path)
    assert "backup" in refused.value.remedy
    assert path.read_bytes() == content


def test_whether_the_schema_is_current_is_told_without_changing_anything(path: Path) -> None:
    sqlite3.connect(path).close()
    assert not is_current(path)
    Database.open(path).close()
    assert is_current(path)


def test_a_database_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError):
        Database.open(tmp_path / "no folder" / "scribe.sqlite3")
    assert StorageError.__subclasses__()


def test_what_makes_a_file_unusable_is_told(path: Path) -> None:
    assert damages(path) == ["it is missing"]
    sqlite3.connect(path).execute("PRAGMA user_version = 1").connection.close()
    assert damages(path) == ["it has no tables"]
    path.unlink()
    Database.open(path).close()
    assert damages(path) == []
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * 4096 + content[8192:])
    assert damages(path)
    path.write_bytes(b"nonsense" * 1000)
    assert damages(path) == ["file is not a database"]
