import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scribe_desktop.errors import SpoolError
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError, damage
from scribe_desktop.spool.damage import mark_suspect
from scribe_desktop.spool.database import PAGE_SIZE, _set_pragmas
from scribe_desktop.spool.quarantine import FILE_NAME, side_file
from tests.parts.damaging import overwrite_page
from tests.parts.filled_spool import add_session, new_chunk, new_session, session_id_of

SESSION = session_id_of(1)


def pragma(spool: Spool, name: str) -> object:
    return spool._db.conn.execute(f"PRAGMA {name}").fetchone()[0]


def test_each_connection_promises_durability(tmp_path: Path) -> None:
    first, second = Spool.open(tmp_path), Spool.open(tmp_path)

    for spool in (first, second):
        assert pragma(spool, "journal_mode") == "wal"
        assert pragma(spool, "synchronous") == 2
        assert pragma(spool, "fullfsync") == 1
        assert pragma(spool, "checkpoint_fullfsync") == 1
        assert pragma(spool, "page_size") == PAGE_SIZE
        assert pragma(spool, "auto_vacuum") == 2


def test_a_recording_needs_no_temporary_file_elsewhere(tmp_path: Path) -> None:
    in_memory = 2
    assert pragma(Spool.open(tmp_path), "temp_store") == in_memory


def test_a_connection_that_cannot_promise_it_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(":memory:")

    with pytest.raises(SpoolFailureError, match="does not promise durability"):
        _set_pragmas(connection)


def test_a_reading_connection_promises_durability_too(tmp_path: Path) -> None:
    Spool.open(tmp_path).close()
    reader = Spool.open_read_only(tmp_path)

    assert pragma(reader, "synchronous") == 2
    assert pragma(reader, "fullfsync") == 1


@pytest.mark.parametrize("page_size", [4096, 32_768])
def test_the_checkpoint_comes_at_the_same_length_whatever_the_page_size(
    tmp_path: Path, page_size: int
) -> None:
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute(f"PRAGMA page_size = {page_size}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE earlier (word)")
    connection.close()

    spool = Spool.open(tmp_path, checkpoint_bytes=1 << 20)

    assert pragma(spool, "wal_autocheckpoint") == (1 << 20) // page_size


@pytest.mark.parametrize(("checkpoint_bytes", "moved"), [(1, True), (1 << 20, False)])
def test_a_commit_moves_the_log_into_the_file_only_when_it_is_long(
    tmp_path: Path, checkpoint_bytes: int, moved: bool
) -> None:
    spool = Spool.open(tmp_path, checkpoint_bytes=checkpoint_bytes)
    spool.create_session(new_session(SESSION))
    before = (tmp_path / FILE_NAME).stat().st_size

    spool.add_chunk(new_chunk(SESSION, 0, size=100_000))

    assert ((tmp_path / FILE_NAME).stat().st_size > before + 90_000) is moved


def test_only_the_owner_of_the_account_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    spool = Spool.open(folder)
    spool.create_session(new_session(SESSION))

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert f"{FILE_NAME}-wal" in modes


@pytest.mark.parametrize("content", [b"", b"this is not a database" * 400], ids=["empty", "text"])
def test_a_file_that_is_no_database_is_put_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)

    spool = Spool.open(tmp_path, clock=lambda: 0)

    assert spool.quarantined == tmp_path / "quarantine" / "19700101T000000000000" / FILE_NAME
    assert spool.quarantined.read_bytes() == content
    spool.create_session(new_session(SESSION))
    assert spool.session(SESSION) is not None


def test_a_damaged_file_is_put_aside_with_its_side_files(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    add_session(spool, SESSION, chunks=3)
    spool.close()
    path = tmp_path / FILE_NAME
    path.write_bytes(b"\xff" * path.stat().st_size)
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"left over")

    fresh = Spool.open(tmp_path)

    assert fresh.quarantined is not None
    assert fresh.sessions() == []
    assert fresh.quarantined.with_name(fresh.quarantined.name + "-wal").read_bytes() == b"left over"


def test_damage_found_while_running_is_looked_for_at_the_next_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "ALWAYS_WHOLE", 0)
    spool = Spool.open(tmp_path)
    for number in range(40):
        add_session(spool, session_id_of(number), chunks=20)
    root = spool._row("SELECT rootpage FROM sqlite_master WHERE name = 'chunks_unsent'")
    spool.close()
    assert root is not None
    overwrite_page(tmp_path / FILE_NAME, root[0])

    hurt = Spool.open(tmp_path)
    assert hurt.quarantined is None
    with pytest.raises(SpoolFailureError) as found:
        hurt.next_unsent(5)
    hurt.close()
    fresh = Spool.open(tmp_path)

    assert found.value.kind is FailureKind.DAMAGED
    assert fresh.quarantined is not None


def test_a_damaged_file_that_somebody_has_open_is_not_moved_away(tmp_path: Path) -> None:
    first = Spool.open(tmp_path)
    mark_suspect(tmp_path)
    root = first._row("SELECT rootpage FROM sqlite_master WHERE name = 'chunks_unsent'")
    assert root is not None
    first._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    overwrite_page(tmp_path / FILE_NAME, root[0])

    second = Spool.open(tmp_path)
    second.close()
    first.close()
    third = Spool.open(tmp_path)

    assert second.quarantined is None
    assert third.quarantined is not None


def test_a_file_that_may_only_be_read_becomes_writable_again(tmp_path: Path) -> None:
    Spool.open(tmp_path).close()
    (tmp_path / FILE_NAME).chmod(0o400)

    spool = Spool.open(tmp_path)
    spool.create_session(new_session(SESSION))

    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_two_threads_that_open_a_new_folder_share_one_file(tmp_path: Path) -> None:
    quarantined: list[Path | None] = []

    def open_and_close() -> None:
        spool = Spool.open(tmp_path)
        quarantined.append(spool.quarantined)
        spool.close()

    threads = [threading.Thread(target=open_and_close) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert quarantined == [None] * 6


def test_a_file_whose_making_was_cut_short_is_made_again_and_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_db: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("scribe_desktop.spool.database.migrate", die)
        with pytest.raises(KeyboardInterrupt):
            Spool.open(tmp_path)
    assert not (tmp_path / FILE_NAME).exists()

    spool = Spool.open(tmp_path)
    assert spool.quarantined is None
    assert add_session(spool, SESSION, chunks=2).chunks == 2
    assert not list(tmp_path.glob("*.new"))


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SpoolError) as refused:
        Spool.open(tmp_path / "file" / "spool")

    assert refused.value.remedy


def test_opening_again_leaves_the_locks_by_which_others_know_that_it_is_in_use(
    tmp_path: Path,
) -> None:
    # On POSIX, closing any descriptor of a file drops all locks that the process has on it, and
    # SQLite of another process would then take away the log (sqlite.org/howtocorrupt.html, 2.2).
    first = Spool.open(tmp_path)
    second = Spool.open(tmp_path)
    add_session(second, SESSION, chunks=1, ended=False)
    another = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM chunks')"
    subprocess.run([sys.executable, "-c", another, tmp_path / FILE_NAME], check=True, timeout=60)

    assert side_file(tmp_path / FILE_NAME, "-wal").stat().st_size > 0
    first.add_chunk(new_chunk(SESSION, 1))
    second.close()
    first.close()
    whole = Spool.open(tmp_path)
    assert len(whole.chunks(SESSION)) == 2
    whole.close()


def test_a_newer_file_is_refused_to_the_byte(tmp_path: Path) -> None:
    Spool.open(tmp_path).close()
    path = tmp_path / FILE_NAME
    connection = sqlite3.connect(path)
    connection.execute(
        "INSERT INTO _sqlite_migrations SELECT 9999, migration_set, 'from-tomorrow', applied_at"
        " FROM _sqlite_migrations LIMIT 1"
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(SpoolFailureError, match="from-tomorrow"):
        Spool.open(tmp_path)
    assert path.read_bytes() == before
