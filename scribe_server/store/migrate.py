"""Brings a database to the program's schema; Alembic is imported only when there is work to do."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError

from scribe_server.errors import StartupError
from scribe_server.store.schema import HEAD, REVISIONS

REBUILD: Final = (
    "make a new one from the recordings in the segments folder: "
    "python -m scribe_server doctor --rebuild"
)
"""What always helps when a database is lost or damaged."""


def stored_revision(connection: Connection) -> str | None:
    """The schema revision that the database says it has; None when it has no tables at all.

    Raises:
        StartupError: the database is damaged or belongs to another program.
    """
    try:
        tables = set(inspect(connection).get_table_names())
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise StartupError(
                "The database holds tables of another program.",
                "Point --data-dir or DATABASE_URL at Scribe's own folder.",
            )
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DatabaseError as error:
        raise StartupError(
            f"The database cannot be read: {error.orig}",
            f"Restore it from a backup, or {REBUILD}.",
        ) from error
    if found is None:
        raise StartupError(
            "The database does not say which schema it has.", "Restore it from a backup."
        )
    return str(found)


def ensure_schema(connection: Connection) -> None:
    """Create or migrate the tables, in the connection's transaction.

    Raises:
        StartupError: the database was written by a newer program, or is damaged.
    """
    found = stored_revision(connection)
    if found == HEAD:
        return
    if found is not None and found not in REVISIONS:
        raise StartupError(
            f"The database has schema {found}, which is newer than this program ({HEAD}).",
            "Update the Scribe server; an older one never changes a newer database.",
        )
    _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = Path(__file__).parent / "migrations"
    # The option goes through configparser, which reads % as an interpolation.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
