from collections.abc import Iterator
from pathlib import Path

import pytest

from scribe_desktop.spool import Spool, SpoolFailureError
from scribe_desktop.spool.quarantine import FILE_NAME
from scribe_desktop.spool.wreck import Wreck
from tests.parts.damaging import leaf_pages, overwrite_page, root_page
from tests.parts.filled_spool import add_session, chunk_bytes, session_id_of

SESSIONS, CHUNKS = 10, 60


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with_rows = Spool.open(tmp_path)
    with_rows._db.conn.execute("PRAGMA synchronous = OFF")
    for number in range(SESSIONS):
        add_session(with_rows, session_id_of(number), chunks=CHUNKS, size=100)
    with_rows.set_meta("device_id", "this one")
    with_rows.close()
    return tmp_path / FILE_NAME


@pytest.fixture
def wreck(path: Path) -> Iterator[Wreck]:
    opened = Wreck(path)
    yield opened
    opened.close()


def test_a_whole_file_gives_every_row(wreck: Wreck) -> None:
    assert [row["id"] for row in wreck.rows("chunks")] == list(range(1, SESSIONS * CHUNKS + 1))
    assert len(list(wreck.rows("sessions"))) == SESSIONS
    assert wreck.audio(1) == chunk_bytes(session_id_of(0), 0, 100)
    assert wreck.meta()["device_id"] == "this one"
    assert not wreck.unreadable


def test_only_the_rows_of_a_bad_page_are_missing(path: Path) -> None:
    leaves = leaf_pages(path, "chunks")
    overwrite_page(path, leaves[1])
    wreck = Wreck(path)

    found = [row["id"] for row in wreck.rows("chunks")]
    wreck.close()

    lost = wreck.unreadable["chunks"]
    assert len(found) + lost == SESSIONS * CHUNKS
    assert 0 < lost < 2 * SESSIONS * CHUNKS / len(leaves)
    assert {1, SESSIONS * CHUNKS} <= set(found)


def test_a_table_whose_root_is_gone_is_given_up_and_the_others_are_read(path: Path) -> None:
    overwrite_page(path, root_page(path, "chunks"))
    wreck = Wreck(path)

    assert list(wreck.rows("chunks")) == []
    assert len(list(wreck.rows("sessions"))) == SESSIONS
    assert wreck.unreadable["chunks"]
    wreck.close()


def test_a_file_cut_short_gives_what_lies_before_the_cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 3 // 4)
    wreck = Wreck(path)

    found = list(wreck.rows("chunks"))
    wreck.close()

    assert len(found) > SESSIONS * CHUNKS // 4


def test_the_file_is_not_changed(path: Path) -> None:
    overwrite_page(path, leaf_pages(path, "chunks")[0])
    before = path.read_bytes()

    wreck = Wreck(path)
    list(wreck.rows("chunks"))
    wreck.close()

    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database at all" * 1_000], ids=["empty", "text"])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)

    with pytest.raises(SpoolFailureError):
        Wreck(path)
