import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from scribe_desktop.model import Gap, Marker, SessionState, StoredReceipt
from scribe_desktop.spool import FailureKind, Salvage, Spool, SpoolFailureError
from scribe_desktop.spool.quarantine import FILE_NAME, REPORT
from tests.parts.damaging import flip_a_byte, leaf_pages, overwrite_page, root_page
from tests.parts.filled_spool import (
    add_session,
    chunk_bytes,
    new_chunk,
    session_id_of,
)

ONE, TWO = session_id_of(1), session_id_of(2)
BIG = 20_000


def receipt_of(session_id: str, text: str) -> StoredReceipt:
    return StoredReceipt(session_id, text, "key", "server", "https://scribe.example", 7)


def fill(folder: Path) -> None:
    """Two recordings: one delivered with a receipt, one with an acked part of three."""
    spool = Spool.open(folder)
    for session_id in (ONE, TWO):
        add_session(spool, session_id, chunks=3, size=BIG)
        spool.add_gap(session_id, Gap(5, 10, "xrun", 0))
        spool.add_marker(session_id, Marker(7, "here", 9))
    for sequence in range(3):
        spool.mark_acked(
            ONE, sequence, sha256=new_chunk(ONE, sequence, size=BIG).sha256, acked_at=8
        )
    spool.mark_acked(TWO, 0, sha256=new_chunk(TWO, 0, size=BIG).sha256, acked_at=8)
    spool.save_receipt(receipt_of(ONE, "an older one"))
    spool.save_receipt(receipt_of(ONE, "the valid one"))
    spool.set_meta("device_id", "this computer")
    spool.close()


def break_index(folder: Path) -> None:
    """Damage that costs nothing: an index can be made anew."""
    overwrite_page(folder / FILE_NAME, root_page(folder / FILE_NAME, "chunks_unsent"))


def opened_anew(folder: Path) -> tuple[Spool, Salvage]:
    spool = Spool.open(folder)
    assert spool.quarantined is not None
    (found,) = spool.salvage_quarantined()
    return spool, found


def test_everything_readable_is_taken_over(tmp_path: Path) -> None:
    fill(tmp_path)
    before = Spool.open_read_only(tmp_path)
    sessions, chunks = before.sessions(), before.chunks(TWO)
    before.close()
    break_index(tmp_path)

    spool, found = opened_anew(tmp_path)

    assert spool.sessions() == sessions
    assert spool.chunks(TWO) == chunks
    assert spool.chunk_data(TWO, 2) == chunk_bytes(TWO, 2, BIG)
    assert spool.gaps(ONE) == [Gap(5, 10, "xrun", 0)]
    assert spool.markers(TWO) == [Marker(7, "here", 9)]
    assert spool.receipt(ONE) == receipt_of(ONE, "the valid one")
    assert spool.meta("device_id") == "this computer"
    assert spool.pending() == 2
    assert (found.sessions, found.parts, found.lost_parts, found.torn) == (2, 6, 0, False)


def test_the_damaged_file_is_kept_with_a_report_beside_it(tmp_path: Path) -> None:
    fill(tmp_path)
    break_index(tmp_path)
    damaged = (tmp_path / FILE_NAME).read_bytes()

    spool, found = opened_anew(tmp_path)

    assert spool.quarantined is not None
    assert spool.quarantined.read_bytes() == damaged
    report = spool.quarantined.with_name(REPORT).read_bytes()
    assert msgspec.json.decode(report, type=Salvage) == found
    assert str(spool.quarantined) in found.words
    assert spool.salvage_quarantined() == []


def test_a_part_with_a_flipped_byte_is_marked_and_the_rest_is_sent(tmp_path: Path) -> None:
    fill(tmp_path)
    flip_a_byte(tmp_path / FILE_NAME, chunk_bytes(TWO, 1, BIG)[:500])
    break_index(tmp_path)

    spool, found = opened_anew(tmp_path)

    assert (found.parts, found.lost_parts, found.lost_ms) == (5, 1, 30_000)
    assert [chunk.sequence for chunk in spool.next_unsent(10)] == [2]
    session = spool.session(TWO)
    assert session is not None
    assert session.state is SessionState.PROBLEM
    assert "1 parts (0.5 minutes) were lost" in found.words


def test_an_acked_part_whose_bytes_are_lost_counts_as_saved(tmp_path: Path) -> None:
    fill(tmp_path)
    flip_a_byte(tmp_path / FILE_NAME, chunk_bytes(ONE, 1, BIG)[:500])
    break_index(tmp_path)

    spool, found = opened_anew(tmp_path)

    assert (found.parts, found.lost_parts) == (6, 0)
    assert [chunk.acked_at for chunk in spool.chunks(ONE)] == [8, 8, 8]
    with pytest.raises(SpoolFailureError) as missing:
        spool.chunk_data(ONE, 1)
    assert missing.value.kind is FailureKind.NOT_FOUND


def test_parts_whose_rows_are_lost_are_counted_by_their_session(tmp_path: Path) -> None:
    spool = Spool.open(tmp_path)
    for number in range(8):
        add_session(spool, session_id_of(number), chunks=50, size=100)
    spool.close()
    overwrite_page(tmp_path / FILE_NAME, leaf_pages(tmp_path / FILE_NAME, "chunks")[1])

    fresh, found = opened_anew(tmp_path)

    assert found.sessions == 8
    assert found.lost_parts > 0
    assert found.parts + found.lost_parts == 400
    assert found.torn
    assert fresh.pending() == found.parts


def test_parts_without_their_session_become_a_recording_of_their_own(tmp_path: Path) -> None:
    fill(tmp_path)
    overwrite_page(tmp_path / FILE_NAME, root_page(tmp_path / FILE_NAME, "sessions"))

    spool, found = opened_anew(tmp_path)

    assert (found.sessions, found.parts, found.lost_parts) == (2, 6, 0)
    titles = {session.title for session in spool.sessions()}
    assert titles == {"Salvaged recording"}
    chunk = spool.next_unsent(1)[0]
    assert spool.chunk_data(chunk.session_id, chunk.sequence) == chunk_bytes(TWO, 1, BIG)


def test_a_salvage_that_is_cut_off_is_done_again_and_adds_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    break_index(tmp_path)
    spool = Spool.open(tmp_path)
    changes = 0
    change = Spool.change

    def cut_off(self: Spool, work: object) -> None:
        nonlocal changes
        changes += 1
        if changes == 6:
            raise KeyboardInterrupt
        change(self, work)  # type: ignore[arg-type]

    monkeypatch.setattr(Spool, "change", cut_off)
    with pytest.raises(KeyboardInterrupt):
        spool.salvage_quarantined()
    spool.close()
    monkeypatch.setattr(Spool, "change", change)

    again = Spool.open(tmp_path)
    (found,) = again.salvage_quarantined()

    assert again.quarantined is None
    assert (found.sessions, found.parts) == (2, 6)
    assert [session.chunks for session in again.sessions()] == [3, 3]
    assert len(again.gaps(ONE)) == len(again.markers(TWO)) == 1


def test_what_is_no_database_is_reported_and_kept(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database" * 1_000)

    spool, found = opened_anew(tmp_path)

    assert found.why
    assert found.words.startswith("Nothing in it can be read")
    assert spool.sessions() == []
    assert spool.salvage_quarantined() == []


def test_the_log_of_a_crash_is_read_with_the_damaged_file(tmp_path: Path) -> None:
    crashed = tmp_path / "crashed"
    running = Spool.open(tmp_path / "running")
    add_session(running, ONE, chunks=2, size=BIG)
    running._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    running.add_chunk(new_chunk(ONE, 2, size=BIG))
    shutil.copytree(tmp_path / "running", crashed)
    running.close()
    with sqlite3.connect(tmp_path / "running" / FILE_NAME) as connection:
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'markers_of'"
        ).fetchone()
    connection.close()
    overwrite_page(crashed / FILE_NAME, root)

    spool, found = opened_anew(crashed)

    assert found.parts == 3
    assert spool.chunk_data(ONE, 2) == chunk_bytes(ONE, 2, BIG)


def test_acks_and_receipts_that_are_not_believed_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path / "other")
    spool = Spool.open(tmp_path / "usual")

    spool.salvage(tmp_path / "other" / FILE_NAME, keep_acks=False)

    assert spool.pending() == 6
    assert spool.receipt(ONE) is None


@pytest.mark.parametrize("size", [0, 100], ids=["empty", "header gone"])
def test_parts_that_only_the_log_holds_are_saved_when_the_file_is_gone(
    tmp_path: Path, size: int
) -> None:
    """The process was killed with everything in the log, and the file has lost its beginning."""
    killed = Spool.open(tmp_path / "killed")
    add_session(killed, ONE, chunks=3, size=BIG)
    (tmp_path / "now").mkdir()
    for ending in ("", "-wal"):
        shutil.copy(tmp_path / "killed" / f"{FILE_NAME}{ending}", tmp_path / "now")
    killed.close()
    file = tmp_path / "now" / FILE_NAME
    with file.open("r+b") as opened:
        opened.write(b"\0" * size)
        opened.truncate(file.stat().st_size if size else 0)

    spool, found = opened_anew(tmp_path / "now")

    assert (found.sessions, found.parts, found.complete) == (1, 3, True)
    assert spool.chunk_data(ONE, 2) == chunk_bytes(ONE, 2, BIG)
    assert spool.quarantined is not None
    assert sorted(path.name for path in spool.quarantined.parent.iterdir()) == [
        REPORT,
        FILE_NAME,
        f"{FILE_NAME}-wal",
    ]
    spool.close()


def test_an_end_that_left_no_row_is_declared_in_the_manifest(tmp_path: Path) -> None:
    fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("DROP TRIGGER IF EXISTS chunks_deleted")
        known = db.execute("SELECT chunks FROM sessions WHERE session_id = ?", (TWO,)).fetchone()
        db.execute(
            "DELETE FROM chunks WHERE sequence = 2 AND session ="
            " (SELECT id FROM sessions WHERE session_id = ?)", (TWO,)
        )  # fmt: skip
        db.execute("UPDATE sessions SET chunks = ? WHERE session_id = ?", (*known, TWO))
        db.commit()
    break_index(tmp_path)

    spool, _ = opened_anew(tmp_path)

    assert Gap(2 * 1_440_000, 0, "lost", 30_000) in spool.gaps(TWO)
    assert [gap.reason for gap in spool.manifest(TWO).gaps] == ["xrun", "lost"]
    assert "lost" not in {gap.reason for gap in spool.gaps(ONE)}
    spool.close()
