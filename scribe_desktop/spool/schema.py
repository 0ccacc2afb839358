"""The spool's tables, and how older files become this version.

The counters in `sessions` are kept by triggers, so that no code path can forget them. BLOBs have
a table of their own: listing chunks never walks over audio.
"""

from typing import Final

from sqlite_utils import Database, Migrations

from scribe_desktop.spool.failures import FailureKind, SpoolFailureError

migrations: Final = Migrations("spool")

_SESSIONS = """
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    timezone TEXT NOT NULL,
    channels INTEGER NOT NULL,
    bitrate INTEGER NOT NULL,
    device TEXT NOT NULL,
    forked_from TEXT,
    forked_to TEXT,
    paused INTEGER NOT NULL DEFAULT 0,
    recovered INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER,
    refused_code TEXT,
    audio_deleted_at INTEGER,
    dropping INTEGER NOT NULL DEFAULT 0,
    total_samples INTEGER NOT NULL DEFAULT 0,
    chunks INTEGER NOT NULL DEFAULT 0,
    acked INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    unsent INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    has_receipt INTEGER NOT NULL DEFAULT 0
)"""

_CHUNKS = """
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    first_sample INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    acked_at INTEGER,
    refused_code TEXT,
    UNIQUE (session, sequence)
)"""

_OTHERS = (
    """
CREATE TABLE audio (
    chunk INTEGER PRIMARY KEY REFERENCES chunks(id) ON DELETE CASCADE,
    data BLOB NOT NULL
)""",
    """
CREATE TABLE gaps (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    at_sample INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    reason TEXT NOT NULL,
    wall_ms INTEGER NOT NULL
)""",
    """
CREATE TABLE markers (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    at_sample INTEGER NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL
)""",
    # A receipt that no longer tells the truth about the server is withdrawn, not forgotten.
    """
CREATE TABLE receipts (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    receipt_json TEXT NOT NULL,
    public_key TEXT NOT NULL,
    server_id TEXT NOT NULL,
    origin TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL DEFAULT 0
)""",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)

_INDEXES = (
    "CREATE INDEX sessions_newest ON sessions(started_at, id)",
    "CREATE INDEX sessions_open ON sessions(started_at) WHERE ended_at IS NULL",
    "CREATE INDEX sessions_unsent ON sessions(started_at) WHERE unsent > 0",
    (
        "CREATE INDEX sessions_awaiting ON sessions(started_at) "
        "WHERE has_receipt = 0 AND ended_at IS NOT NULL"
    ),
    (
        "CREATE INDEX chunks_unsent ON chunks(session, sequence) "
        "WHERE acked_at IS NULL AND refused_code IS NULL"
    ),
    "CREATE INDEX gaps_of ON gaps(session)",
    "CREATE INDEX markers_of ON markers(session)",
    "CREATE UNIQUE INDEX receipts_valid ON receipts(session) WHERE withdrawn = 0",
    "CREATE INDEX receipts_of ON receipts(session)",
)


def _counting(row: str, sign: str) -> str:
    """Add (or take away) one chunk row to the counters of its session."""
    return f"""
    UPDATE sessions SET
        chunks = chunks {sign} 1,
        bytes = bytes {sign} {row}.size,
        total_samples = total_samples {sign} {row}.samples,
        acked = acked {sign} ({row}.acked_at IS NOT NULL),
        refused = refused {sign} ({row}.refused_code IS NOT NULL AND {row}.acked_at IS NULL),
        unsent = unsent {sign} ({row}.acked_at IS NULL AND {row}.refused_code IS NULL)
    WHERE id = {row}.session;"""  # noqa: S608 - both words are ours


_TRIGGERS = (
    f"CREATE TRIGGER chunk_added AFTER INSERT ON chunks BEGIN {_counting('NEW', '+')} END",
    f"CREATE TRIGGER chunk_gone AFTER DELETE ON chunks BEGIN {_counting('OLD', '-')} END",
    (
        "CREATE TRIGGER chunk_changed AFTER UPDATE OF acked_at, refused_code ON chunks BEGIN "
        f"{_counting('OLD', '-')} {_counting('NEW', '+')} END"
    ),
    (
        "CREATE TRIGGER receipt_saved AFTER INSERT ON receipts BEGIN "
        "UPDATE sessions SET has_receipt = 1 WHERE id = NEW.session; END"
    ),
    (
        "CREATE TRIGGER receipt_withdrawn AFTER UPDATE OF withdrawn ON receipts "
        "WHEN NEW.withdrawn = 1 BEGIN "
        "UPDATE sessions SET has_receipt = 0 WHERE id = NEW.session; END"
    ),
)


@migrations(name="0001_first_tables")
def _first_tables(db: Database) -> None:
    for statement in (_SESSIONS, _CHUNKS, *_OTHERS, *_INDEXES, *_TRIGGERS):
        db.conn.execute(statement)


# Counting a chunk changes `unsent` but hardly ever `waiting`, so that the index of the sessions to
# send is not written again with every chunk. Its first column puts open sessions first.
_WAITING: Final = (
    "ALTER TABLE sessions ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0",
    "UPDATE sessions SET waiting = 1 WHERE unsent > 0",
    (
        "CREATE TRIGGER session_waiting AFTER UPDATE OF unsent ON sessions "
        "WHEN NEW.waiting <> (NEW.unsent > 0) BEGIN "
        "UPDATE sessions SET waiting = NEW.unsent > 0 WHERE id = NEW.id; END"
    ),
    "DROP INDEX sessions_unsent",
    (
        "CREATE INDEX sessions_waiting ON sessions(ended_at IS NOT NULL, started_at) "
        "WHERE waiting = 1 AND refused_code IS NULL AND audio_deleted_at IS NULL"
    ),
    "CREATE INDEX sessions_dropping ON sessions(id) WHERE dropping = 1",
)


@migrations(name="0002_waiting_sessions")
def _waiting_sessions(db: Database) -> None:
    for statement in _WAITING:
        db.conn.execute(statement)


def refuse_newer(db: Database) -> None:
    """Raise when a newer version of the program has changed the file.

    Raises:
        SpoolFailureError: of kind NEWER.
    """
    if unknown := sorted({migration.name for migration in migrations.applied(db)} - _KNOWN):
        raise SpoolFailureError(FailureKind.NEWER, f"The file holds the change {unknown[0]}.")


def migrate(db: Database) -> None:
    """Bring the file to this version, all of it or nothing."""
    if not migrations.pending(db):
        return
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(db)
    except BaseException:
        db.conn.rollback()
        raise
    db.conn.execute("COMMIT")


_KNOWN: Final = frozenset({"0001_first_tables", "0002_waiting_sessions"})
