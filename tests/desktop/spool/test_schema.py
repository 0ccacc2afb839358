from pathlib import Path

import pytest

from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from scribe_desktop.spool.schema import migrate, migrations
from tests.parts.filled_spool import add_session, session_id_of


def counted(spool: Spool) -> list[tuple[int, ...]]:
    rows = spool._rows("SELECT chunks, acked, refused, unsent, bytes, total_samples FROM sessions")
    return [tuple(row) for row in rows]


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
    assert len(before) == 1


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
        ("SELECT id FROM sessions WHERE unsent > 0 AND refused_code IS NULL", "sessions_unsent"),
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
