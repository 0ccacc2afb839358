import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from scribe_desktop.spool.database import FILE_NAME
from scribe_desktop.spool.schema import migrate, migrations
from tests.parts.filled_spool import add_session, chunk_bytes, new_chunk, session_id_of


def counted(spool: Spool) -> list[tuple[int, ...]]:
    rows = spool._rows("SELECT chunks, acked, refused, unsent, bytes, total_samples FROM sessions")
    return [tuple(row) for row in rows]


def waiting(spool: Spool) -> list[bool]:
    return [bool(row[0]) for row in spool._rows("SELECT waiting FROM sessions ORDER BY id")]


def old_spool(folder: Path, *, page_size: int) -> None:
    """A file as the first version made it: a live session, an acked one, a refused one."""
    connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
    connection.execute(f"PRAGMA page_size = {page_size}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    migrations.apply(Database(connection), stop_before="0002_waiting_sessions")
    for number, (ended_at, acked_at, refused_code) in enumerate(
        [(None, None, None), (9, 8, None), (9, None, "session_closed")], start=1
    ):
        session_id = session_id_of(number)
        connection.execute(
            "INSERT INTO sessions (id, session_id, title, source, started_at, timezone, channels,"
            " bitrate, device, ended_at, refused_code)"
            " VALUES (?, ?, 'Old', 'mic', 1, 'UTC', 1, 24000, 'd', ?, ?)",
            (number, session_id, ended_at, refused_code),
        )
        for sequence in range(2):
            chunk = new_chunk(session_id, sequence)
            added = connection.execute(
                "INSERT INTO chunks (session, sequence, first_sample, samples, sha256, size,"
                " started_at, acked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    sequence,
                    chunk.first_sample,
                    chunk.samples,
                    chunk.sha256,
                    len(chunk.data),
                    chunk.started_at,
                    acked_at,
                ),
            )
            connection.execute("INSERT INTO audio VALUES (?, ?)", (added.lastrowid, chunk.data))
    connection.close()


def recounted(spool: Spool) -> list[tuple[int, ...]]:
    rows = spool._rows(
        "SELECT count(c.id), coalesce(sum(acked_at NOTNULL), 0),"
        " coalesce(sum(c.refused_code NOTNULL AND acked_at ISNULL), 0),"
        " coalesce(sum(c.refused_code ISNULL AND acked_at ISNULL), 0),"
        " coalesce(sum(size), 0), coalesce(sum(samples), 0)"
        " FROM sessions s LEFT JOIN chunks c ON c.session = s.id GROUP BY s.id ORDER BY s.id"
    )
    return [tuple(row) for row in rows]


def test_the_counters_agree_with_the_rows_after_every_kind_of_change(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    first, second = session_id_of(1), session_id_of(2)
    chunks = {}
    for session_id in (first, second):
        add_session(spool, session_id, chunks=6)
        chunks[session_id] = spool.chunks(session_id)
    for sequence in (0, 1, 2):
        spool.mark_acked(first, sequence, sha256=chunks[first][sequence].sha256, acked_at=1)
    spool.mark_refused(first, 4, "chunk_too_large")
    spool.mark_refused(first, 0, "busy")
    spool.mark_acked(first, 4, sha256=chunks[first][4].sha256, acked_at=2)
    spool.requeue(first, [(1, 5)])
    spool.mark_refused(second, 5, "damaged")
    spool.fork_session(second, session_id_of(3), title="(2)")
    spool._db.conn.execute("DELETE FROM chunks WHERE sequence = 3")

    assert counted(spool) == recounted(spool)
    assert counted(spool)[0][:4] == (5, 1, 0, 4)
    assert waiting(spool) == [row[3] > 0 for row in counted(spool)]


def test_a_session_waits_exactly_while_it_has_unsent_chunks(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    session_id, sha256 = session_id_of(1), new_chunk(session_id_of(1), 0).sha256

    def steps() -> list[bool]:
        seen = []
        add_session(spool, session_id, chunks=0)
        seen += waiting(spool)
        spool.add_chunk(new_chunk(session_id, 0))
        seen += waiting(spool)
        spool.mark_acked(session_id, 0, sha256=sha256, acked_at=1)
        seen += waiting(spool)
        spool.requeue(session_id, [(0, 0)])
        seen += waiting(spool)
        spool.mark_refused(session_id, 0, "damaged")
        return seen + waiting(spool)

    assert steps() == [False, True, False, True, False]


@pytest.mark.parametrize("page_size", [4096, 32_768])
def test_a_spool_of_the_first_version_keeps_its_data_and_goes_on(
    tmp_path: Path, page_size: int
) -> None:
    old_spool(tmp_path, page_size=page_size)
    live, acked, refused = (session_id_of(number) for number in (1, 2, 3))

    spool = Spool.open(tmp_path)

    assert waiting(spool) == [True, False, True]
    assert [(c.session_id, c.sequence) for c in spool.next_unsent(9)] == [(live, 0), (live, 1)]
    assert spool.pending() == 2
    for session_id in (live, acked, refused):
        data = [spool.chunk_data(session_id, sequence) for sequence in range(2)]
        assert data == [chunk_bytes(session_id, sequence) for sequence in range(2)]
    spool.add_chunk(new_chunk(live, 2, size=100_000))
    assert spool.pending() == 3
    assert counted(spool) == recounted(spool)
    assert spool._rows("PRAGMA page_size")[0][0] == page_size
    assert spool._rows("PRAGMA integrity_check")[0][0] == "ok"
    assert spool._rows("PRAGMA foreign_key_check") == []


def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    spool._db.conn.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('spool', '0999_from_the_future', '2099')"
    )
    spool.close()

    for opening in (Spool.open, Spool.open_read_only):
        with pytest.raises(SpoolFailureError, match="0999_from_the_future") as refused:
            opening(tmp_path)
        assert refused.value.kind is FailureKind.NEWER
        assert "newest version" in refused.value.remedy


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    before = migrations.applied(spool._db)

    migrate(spool._db)

    assert migrations.applied(spool._db) == before
    assert [migration.name for migration in before] == [
        "0001_first_tables",
        "0002_waiting_sessions",
    ]


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (
            (
                "SELECT * FROM chunks WHERE session = 1 AND acked_at IS NULL"
                " AND refused_code IS NULL ORDER BY sequence LIMIT 5"
            ),
            "chunks_unsent",
        ),
        (
            (
                "SELECT id FROM sessions WHERE waiting = 1 AND refused_code IS NULL"
                " AND audio_deleted_at IS NULL"
                " ORDER BY ended_at IS NOT NULL, started_at, id LIMIT 5"
            ),
            "sessions_waiting",
        ),
        ("SELECT id FROM sessions WHERE dropping = 1", "sessions_dropping"),
        (
            "SELECT id FROM sessions WHERE has_receipt = 0 AND ended_at IS NOT NULL",
            "sessions_awaiting",
        ),
    ],
)
def test_the_queues_are_read_from_an_index(tmp_path: Path, sql: str, index: str) -> None:
    spool = Spool.open(tmp_path)

    plan = " ".join(str(tuple(row)) for row in spool._rows(f"EXPLAIN QUERY PLAN {sql}"))

    assert index in plan
    assert "TEMP B-TREE" not in plan, "sorted instead of read in order"
