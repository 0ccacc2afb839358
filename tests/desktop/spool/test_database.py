import stat
import threading
from pathlib import Path

import pytest

from scribe_desktop.errors import SpoolError
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError
from scribe_desktop.spool.database import FILE_NAME, PAGE_SIZE
from tests.parts.filled_spool import add_session, new_session, session_id_of

SESSION = session_id_of(1)


def pragma(spool: Spool, name: str) -> object:
    return spool._db.conn.execute(f"PRAGMA {name}").fetchone()[0]


def test_each_connection_promises_durability(tmp_path: Path) -> None:
    first, second = Spool.open(tmp_path), Spool.open(tmp_path)

    for spool in (first, second):
        assert pragma(spool, "journal_mode") == "wal"
        assert pragma(spool, "synchronous") == 2
        assert pragma(spool, "page_size") == PAGE_SIZE


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

    assert spool.quarantined == tmp_path / "spool.damaged-19700101T000000000000.sqlite3"
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


def test_damage_found_while_running_is_looked_for_at_the_next_open(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    for number in range(40):
        add_session(spool, session_id_of(number), chunks=20)
    root = spool._row("SELECT rootpage FROM sqlite_master WHERE name = 'chunks_unsent'")
    spool.close()
    assert root is not None
    path = tmp_path / FILE_NAME
    content = bytearray(path.read_bytes())
    place = (root[0] - 1) * PAGE_SIZE
    content[place : place + PAGE_SIZE] = b"\xff" * PAGE_SIZE
    path.write_bytes(content)

    hurt = Spool.open(tmp_path)
    assert hurt.quarantined is None
    with pytest.raises(SpoolFailureError) as found:
        hurt.next_unsent(5)
    hurt.close()
    fresh = Spool.open(tmp_path)

    assert found.value.kind is FailureKind.DAMAGED
    assert fresh.quarantined is not None


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


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SpoolError) as refused:
        Spool.open(tmp_path / "file" / "spool")

    assert refused.value.remedy
