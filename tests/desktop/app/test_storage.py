import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from scribe_desktop.app.storage import Storage
from scribe_desktop.capture.journal import Journal, JournalHeader
from scribe_desktop.errors import ScribeError, SpoolError
from scribe_desktop.paths import Paths
from scribe_desktop.room import MB
from scribe_desktop.spool import FailureKind, Salvage, Spool, SpoolFailureError
from scribe_desktop.spool.quarantine import FILE_NAME
from scribe_desktop.spool.rescue import RescueFolder
from tests.parts.damaging import overwrite_page, root_page
from tests.parts.filled_spool import add_session, new_session, session_id_of

ONE, TWO = session_id_of(1), session_id_of(2)
Free = Callable[[Path], int]


def paths_in(folder: Path) -> Paths:
    rescues = (folder / "rescue-1", folder / "rescue-2")
    parts = (folder / "config", folder / "data", folder / "run", folder / "logs")
    return Paths(*parts, rescue_dirs=rescues)


class Starts:
    """Starts a Storage again and again, each time as a new process would."""

    def __init__(self, folder: Path) -> None:
        self.paths = paths_in(folder)
        self.rescues = [RescueFolder(root) for root in self.paths.rescue_dirs]
        self.device_id = ""
        self._stack = ExitStack()

    def start(self, free: Free = lambda _: 1000 * MB) -> Storage:
        self._stack.close()
        storage = Storage(
            self.paths,
            clock=lambda: 5_000,
            machine_id=lambda: "a machine",
            new_id=lambda: "a device",
            free=free,
        )
        self.device_id = storage.open(self._stack, lambda: None)
        return storage

    def close(self) -> None:
        self._stack.close()

    def break_data(self) -> None:
        """Something else takes the place of the folder: for root, too, nothing can be written."""
        if self.paths.data_dir.exists():
            self.paths.data_dir.rename(self.paths.data_dir.with_name("away"))
        self.paths.data_dir.write_text("no folder")

    def repair_data(self) -> None:
        self.paths.data_dir.unlink()
        away = self.paths.data_dir.with_name("away")
        if away.exists():
            away.rename(self.paths.data_dir)


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Starts]:
    made = Starts(tmp_path)
    yield made
    made.close()


def record(storage: Storage, session_id: str, *, ended: bool = True) -> None:
    with closing(Spool.open(storage.paths.spool_dir)) as spool:
        add_session(spool, session_id, chunks=2, ended=ended)


def recorded(storage: Storage) -> set[str]:
    with closing(Spool.open_read_only(storage.paths.spool_dir)) as spool:
        return {session.session_id for session in spool.sessions()}


def refuse(kind: FailureKind, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to open the spool in this folder fail."""
    real = Spool.open.__func__  # type: ignore[attr-defined]

    def opening(cls: type[Spool], where: Path, **wishes: object) -> Spool:
        if where == folder:
            raise SpoolFailureError(kind, "It does not open.")
        return real(cls, where, **wishes)  # type: ignore[no-any-return]

    monkeypatch.setattr(Spool, "open", classmethod(opening))


def test_the_ordinary_folder_is_used_when_it_can_be(starts: Starts) -> None:
    storage = starts.start()
    assert storage.paths == starts.paths
    assert (storage.failure, storage.notice) == (None, "")
    assert not any(folder.root.exists() for folder in starts.rescues)


def test_a_folder_that_cannot_be_written_does_not_prevent_recording(starts: Starts) -> None:
    starts.break_data()
    storage = starts.start()
    record(storage, ONE)
    assert storage.paths.data_dir == starts.rescues[0].root
    assert str(starts.rescues[0].root) in storage.notice
    assert recorded(storage) == {ONE}


@pytest.mark.parametrize(
    "kind", [FailureKind.DISK_FULL, FailureKind.LOCKED, FailureKind.READ_ONLY, FailureKind.IO]
)
def test_whatever_the_spool_refuses_for_another_takes_its_place(
    starts: Starts, monkeypatch: pytest.MonkeyPatch, kind: FailureKind
) -> None:
    refuse(kind, starts.paths.spool_dir, monkeypatch)
    storage = starts.start()
    assert storage.paths.data_dir == starts.rescues[0].root
    assert isinstance(storage.failure, SpoolFailureError)
    assert storage.failure.kind is kind


def test_a_spool_that_another_program_has_locked_is_left_to_it(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scribe_desktop.spool.database._BUSY_S", 0.05)
    starts.start()
    file = starts.paths.spool_dir / FILE_NAME
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        storage = starts.start()
    assert isinstance(storage.failure, SpoolFailureError)
    assert storage.failure.kind is FailureKind.LOCKED
    assert storage.paths.data_dir == starts.rescues[0].root


def test_a_newer_spool_is_refused_and_nothing_takes_its_place(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(FailureKind.NEWER, starts.paths.spool_dir, monkeypatch)
    with pytest.raises(SpoolFailureError, match="newer"):
        starts.start()
    assert not starts.rescues[0].root.exists()


def test_a_second_owner_is_refused_also_beside_a_rescue_folder(starts: Starts) -> None:
    starts.break_data()
    starts.start()
    other = Starts(starts.paths.data_dir.parent)
    with pytest.raises(SpoolError, match="already open"):
        other.start()


def test_a_folder_without_room_is_passed_over(starts: Starts) -> None:
    starts.break_data()
    crowded = starts.rescues[0].root
    storage = starts.start(lambda folder: (99 if folder == crowded else 100) * MB)
    assert storage.paths.data_dir == starts.rescues[1].root


def test_without_any_other_folder_the_first_failure_is_told(starts: Starts) -> None:
    starts.break_data()
    with pytest.raises(ScribeError, match="Folder cannot be used"):
        starts.start(lambda _: 99 * MB)


def test_a_disk_that_is_nearly_full_sends_recordings_elsewhere(starts: Starts) -> None:
    storage = starts.start(lambda folder: (63 if folder == starts.paths.data_dir else 500) * MB)
    assert storage.paths.data_dir == starts.rescues[0].root
    assert "63 MB" in storage.notice


def test_a_nearly_full_disk_is_used_when_there_is_no_other(starts: Starts) -> None:
    storage = starts.start(lambda _: 63 * MB)
    assert storage.paths == starts.paths
    assert storage.notice == ""


def test_the_next_start_brings_everything_back(starts: Starts) -> None:
    record(starts.start(), ONE)
    starts.break_data()
    record(starts.start(), TWO)
    starts.repair_data()

    storage = starts.start()

    assert storage.failure is None
    assert recorded(storage) == {ONE, TWO}
    assert [found.complete for found in storage.taken_over] == [True]
    assert not starts.rescues[0].root.exists()
    assert starts.start().taken_over == []


def test_while_the_trouble_lasts_the_same_rescue_folder_is_used(starts: Starts) -> None:
    starts.break_data()
    crowded = starts.rescues[0].root
    record(starts.start(lambda folder: (0 if folder == crowded else 500) * MB), ONE)
    storage = starts.start()
    assert storage.paths.data_dir == starts.rescues[1].root
    assert recorded(storage) == {ONE}


def test_the_journal_of_a_process_that_was_killed_over_there_comes_back(starts: Starts) -> None:
    starts.break_data()
    storage = starts.start()
    record(storage, ONE, ended=False)
    journal = Journal(storage.paths.journal_dir / f"{ONE}.journal")
    journal.replace(JournalHeader(new_session(ONE), 2, 2 * 1_440_000, 61_000))
    journal.close()
    starts.repair_data()

    storage = starts.start()

    assert storage.recovered == [ONE]
    assert recorded(storage) == {ONE}
    assert not starts.rescues[0].root.exists()


def test_a_takeover_that_the_disk_refuses_is_put_off_with_every_journal(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = starts.start()
    record(storage, ONE, ended=False)
    starts.break_data()
    record(starts.start(), TWO)
    starts.repair_data()
    real = Spool.salvage

    def full(spool: Spool, path: Path, *, keep_acks: bool = True) -> Salvage:
        real(spool, path, keep_acks=keep_acks)
        raise SpoolFailureError(FailureKind.DISK_FULL, "No room.")

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "salvage", full)
        storage = starts.start()
    assert storage.recovery_failure is not None
    assert storage.recovered == []
    assert starts.rescues[0].has_recordings

    storage = starts.start()
    assert storage.recovered == [ONE]
    assert recorded(storage) == {ONE, TWO}
    assert not starts.rescues[0].root.exists()


def test_with_no_other_place_a_failed_change_leaves_everything_where_it_was(
    starts: Starts,
) -> None:
    storage = starts.start(lambda folder: (1000 if folder == starts.paths.data_dir else 0) * MB)
    with ExitStack() as stack, pytest.raises(SpoolFailureError):
        storage.change(stack, avoid_ordinary=True)
    assert storage.paths == starts.paths


def test_a_spool_that_is_damaged_while_in_use_is_changed_and_salvaged(starts: Starts) -> None:
    storage = starts.start()
    record(storage, ONE, ended=False)
    file = storage.paths.spool_dir / FILE_NAME
    overwrite_page(file, root_page(file, "chunks_unsent"))
    with ExitStack() as stack:
        storage.change(stack, avoid_ordinary=False)
    assert recorded(storage) == set()
    storage.salvage()
    assert recorded(storage) == {ONE}
    assert storage.recovered == []
    assert "put aside while Scribe was running" in storage.notice
    with closing(Spool.open_read_only(storage.paths.spool_dir)) as spool:
        assert spool.meta("device_id") == "a device"


def test_a_spool_that_is_found_whole_is_left_when_it_is_to_be_avoided(starts: Starts) -> None:
    storage = starts.start()
    with ExitStack() as stack:
        storage.change(stack, avoid_ordinary=True)
        assert storage.paths.data_dir == starts.rescues[0].root
        assert str(starts.rescues[0].root) in storage.notice
