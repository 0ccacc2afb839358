import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text

from scribe_server.errors import StartupError
from scribe_server.store import migrate
from scribe_server.store.database import Database
from scribe_server.store.schema import HEAD, REVISIONS, archives, metadata, sessions

OPEN_TWICE = """
import sys
from pathlib import Path
from scribe_server.store import Store
Store.open(Path(sys.argv[1]), Path(sys.argv[1]), None, lambda: 1).close()
print("alembic" in sys.modules)
"""


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    return ScriptDirectory.from_config(config)


def test_the_program_knows_all_of_alembics_revisions_in_order() -> None:
    revisions = [revision.revision for revision in script().walk_revisions()]
    assert list(REVISIONS) == revisions[::-1]
    assert script().get_heads() == [HEAD]


def test_the_migrated_schema_is_the_one_in_the_code(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db")
    with database.snapshot() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_the_migrated_tables_are_word_for_word_those_that_the_code_would_create(
    tmp_path: Path,
) -> None:
    def described(path: Path) -> dict[str, object]:
        connection = sqlite3.connect(path)
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if name not in {"alembic_version", "sqlite_sequence"}
        ]
        found: dict[str, object] = {
            name: (
                connection.execute(f"PRAGMA table_info({name})").fetchall(),
                connection.execute(f"PRAGMA foreign_key_list({name})").fetchall(),
                sorted(
                    connection.execute(f"PRAGMA index_info({index[1]})").fetchall()
                    for index in connection.execute(f"PRAGMA index_list({name})").fetchall()
                ),
            )
            for name in tables
        }
        found["counts"] = connection.execute("SELECT name FROM sqlite_sequence").fetchall()
        connection.close()
        return found

    Database.open(tmp_path / "migrated").close()
    database = Database(tmp_path / "created")
    with database.transaction() as connection:
        metadata.create_all(connection)
    database.close()
    assert described(tmp_path / "migrated") == described(tmp_path / "created")


def test_a_database_of_before_there_were_archives_is_taken_over_as_it_is(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    with database.transaction() as connection:
        upgrade(connection, "0001")
        connection.execute(text("INSERT INTO users (id, name, created_at) VALUES (1, 'anna', 5);"))
        connection.execute(
            text(
                "INSERT INTO sessions (id, owner, uuid, title, source, layout, status, started_at,"
                " created_at) VALUES (3, 1, 'u', 'A talk', 'mic', 'chunks', 'complete', 5, 5)"
            )
        )
    database.close()
    database = Database.open(tmp_path / "db")
    with database.snapshot() as connection:
        (row,) = connection.execute(select(sessions)).all()
        assert (row.id, row.title, row.held_at, row.restored_at) == (3, "A talk", None, None)
        assert connection.execute(select(archives)).all() == []
    database.close()


def upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_alembic_is_imported_only_when_the_schema_differs(tmp_path: Path) -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", OPEN_TWICE, str(tmp_path)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def set_revision(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "newer than this program"),
        ("DELETE FROM alembic_version", "does not say which schema"),
        ("DROP TABLE alembic_version", "another program"),
    ],
)
def test_what_this_program_did_not_write_is_refused(
    tmp_path: Path, statement: str, told: str
) -> None:
    path = tmp_path / "db"
    Database.open(path).close()
    set_revision(path, statement)
    before = path.read_bytes()
    with pytest.raises(StartupError, match=told) as refused:
        Database.open(path)
    assert refused.value.remedy
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_connection: object) -> None:
        migrate_for_real(_connection)  # type: ignore[arg-type] - a connection
        raise StartupError("halfway", "again")

    migrate_for_real = migrate._upgrade
    monkeypatch.setattr(migrate, "_upgrade", failing)
    with pytest.raises(StartupError, match="halfway"):
        Database.open(tmp_path / "db")
    connection = sqlite3.connect(tmp_path / "db")
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
