from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scribe_desktop.errors import SpoolError
from scribe_desktop.model import StoredReceipt
from scribe_desktop.spool import FailureKind, Spool, SpoolFailureError, SpoolLock
from scribe_desktop.spool.quarantine import FILE_NAME, quarantined, side_file, waiting
from scribe_desktop.spool.rescue import OWNER_LOCK, RescueFolder, owned, remove, take_over
from tests.parts.damaging import leaf_pages, overwrite_page
from tests.parts.filled_spool import add_session, chunk_bytes, new_chunk, session_id_of

ONE, TWO = session_id_of(1), session_id_of(2)


@pytest.fixture
def ordinary(tmp_path: Path) -> Iterator[Spool]:
    with closing(Spool.open(tmp_path / "data" / "spool")) as spool:
        yield spool


@pytest.fixture
def folder(tmp_path: Path) -> RescueFolder:
    return RescueFolder(tmp_path / "rescue")


def rescue(folder: RescueFolder, session_id: str, *, chunks: int = 2, size: int = 600) -> None:
    with closing(Spool.open(folder.spool)) as spool:
        add_session(spool, session_id, chunks=chunks, size=size)


def take_all(ordinary: Spool, folder: RescueFolder) -> None:
    remove(folder, take_over(ordinary, folder), lambda: 0)


def test_everything_comes_over_and_the_folder_goes(ordinary: Spool, folder: RescueFolder) -> None:
    add_session(ordinary, TWO, chunks=1)
    rescue(folder, ONE)

    (folder.root / "ballast").touch()
    (found,) = take_over(ordinary, folder)
    assert folder.has_recordings
    remove(folder, [found], lambda: 0)

    assert (found.sessions, found.parts, found.complete) == (1, 2, True)
    assert {session.session_id for session in ordinary.sessions()} == {ONE, TWO}
    assert ordinary.chunk_data(ONE, 1) == chunk_bytes(ONE, 1)
    assert not folder.root.exists()


def test_dying_before_the_folder_is_removed_brings_nothing_twice(
    ordinary: Spool, folder: RescueFolder
) -> None:
    rescue(folder, ONE)
    take_over(ordinary, folder)
    (again,) = take_over(ordinary, folder)
    assert again.complete
    assert [chunk.sequence for chunk in ordinary.chunks(ONE)] == [0, 1]
    assert ordinary.pending() == 2


def test_dying_while_the_folder_is_removed_is_made_good(
    ordinary: Spool, folder: RescueFolder
) -> None:
    rescue(folder, ONE)
    take_over(ordinary, folder)
    side_file(folder.spool / FILE_NAME, "-wal").unlink(missing_ok=True)
    take_all(ordinary, folder)
    assert len(ordinary.chunks(ONE)) == 2
    assert not folder.root.exists()


def test_a_recording_that_moved_while_it_ran_is_one_again(
    ordinary: Spool, folder: RescueFolder
) -> None:
    add_session(ordinary, ONE, chunks=2, ended=False)
    with closing(Spool.open(folder.spool)) as spool:
        add_session(spool, ONE, chunks=0, ended=False)
        for sequence in (2, 3):
            spool.add_chunk(new_chunk(ONE, sequence))
        spool.end_session(ONE, ended_at=777)
    take_all(ordinary, folder)
    (session,) = ordinary.sessions()
    assert (session.chunks, session.ended_at) == (4, 777)


def test_what_was_confirmed_over_there_is_sent_once_more(
    ordinary: Spool, folder: RescueFolder
) -> None:
    rescue(folder, ONE, chunks=1)
    with closing(Spool.open(folder.spool)) as spool:
        spool.mark_acked(ONE, 0, sha256=new_chunk(ONE, 0).sha256, acked_at=8)
        spool.save_receipt(StoredReceipt(ONE, "{}", "key", "server", "https://scribe.example", 7))
    take_all(ordinary, folder)
    assert ordinary.pending() == 1
    assert ordinary.receipt(ONE) is None


def test_a_damaged_file_is_kept_and_told_once(ordinary: Spool, folder: RescueFolder) -> None:
    rescue(folder, ONE, chunks=6, size=20_000)
    overwrite_page(folder.spool / FILE_NAME, leaf_pages(folder.spool / FILE_NAME, "audio")[2])

    take_all(ordinary, folder)

    assert len(ordinary.chunks(ONE)) == 6
    assert len(quarantined(folder.spool)) == 1
    assert waiting(folder.spool) == []
    assert not folder.has_recordings


def test_bytes_that_were_lost_here_come_back_from_over_there(
    ordinary: Spool, folder: RescueFolder
) -> None:
    add_session(ordinary, ONE, chunks=2)
    ordinary.change(lambda db: db.execute("DELETE FROM audio").close())
    ordinary.mark_refused(ONE, 0, "damaged")
    rescue(folder, ONE)
    take_all(ordinary, folder)
    assert ordinary.chunk_data(ONE, 0) == chunk_bytes(ONE, 0)
    assert ordinary.pending() == 2


def test_other_bytes_in_the_same_place_keep_the_folders_file(
    ordinary: Spool, folder: RescueFolder
) -> None:
    add_session(ordinary, ONE, chunks=1, size=700)
    rescue(folder, ONE, chunks=1)
    (found,) = take_over(ordinary, folder)
    assert (found.differing, found.complete) == (1, False)
    assert "other bytes" in found.words
    remove(folder, [found], lambda: 0)
    assert len(quarantined(folder.spool)) == 1


def test_a_newer_file_stays_where_it_is(ordinary: Spool, folder: RescueFolder) -> None:
    rescue(folder, ONE)
    with closing(Spool.open(folder.spool)) as spool:
        spool.change(
            lambda db: db.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
                " VALUES ('spool', 'of the future', '')"
            ).close()
        )
    with pytest.raises(SpoolFailureError) as caught:
        take_over(ordinary, folder)
    assert caught.value.kind is FailureKind.NEWER
    assert ordinary.sessions() == []


def test_a_folder_that_another_scribe_uses_is_left_alone(folder: RescueFolder) -> None:
    rescue(folder, ONE)
    with SpoolLock.acquire(folder.root / OWNER_LOCK), owned([folder.root]) as ours:
        assert ours == []
    with owned([folder.root, folder.root.with_name("none")]) as ours:
        assert ours == [folder]
        with pytest.raises(SpoolError), SpoolLock.acquire(folder.root / OWNER_LOCK):
            pass


def test_what_somebody_else_has_put_there_is_not_taken_over(
    folder: RescueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rescue(folder, ONE)
    link = RescueFolder(folder.root.with_name("link"))
    link.root.symlink_to(folder.root)
    with owned([link.root]) as ours:
        assert ours == []
    monkeypatch.setattr("scribe_desktop.spool.rescue.os.getuid", lambda: -1)
    assert not folder.has_recordings
    with owned([folder.root]) as ours:
        assert ours == []
