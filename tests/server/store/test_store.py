import asyncio
import errno
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from scribe_server.auth import Auth
from scribe_server.errors import StartupError
from scribe_server.protocol import ErrorCode
from scribe_server.store import Store, open_database, recovery
from scribe_server.store import store as store_module
from scribe_server.store.database import Database
from scribe_server.store.errors import StorageFullError
from scribe_server.store.hot import HotSession
from scribe_server.store.recovery import Recovered
from scribe_server.store.schema import tokens
from scribe_server.store.segments import SegmentStore
from tests.parts.store import OTHER_SESSION, SESSION, START_MS, FaultyFiles, Served, served


def open_store(folder: Path) -> Store:
    return Store.open(folder, folder, None, lambda: START_MS)


def test_a_new_folder_becomes_a_server_folder_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    store = open_store(folder)
    store.close()
    store.close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "scribe.sqlite3").is_file()
    assert (folder / "segments").is_dir()


def test_the_server_keeps_its_id(tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        store = open_store(tmp_path)
        ids.append(store.server_id)
        store.close()
    assert ids[0] == ids[1]


def test_a_folder_has_one_owner_and_is_free_again_after_it(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with pytest.raises(StartupError, match="Another Scribe server"):
        open_store(tmp_path)
    store.close()
    open_store(tmp_path).close()


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
def test_recordings_without_their_database_are_never_started_on(tmp_path: Path, left: str) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
    for path in tmp_path.glob("scribe.sqlite3*"):
        path.unlink()
    if left == "an empty file":
        (tmp_path / "scribe.sqlite3").touch()
    for opening in (open_store, lambda folder: open_database(folder, folder, None)):
        with pytest.raises(StartupError, match="no database") as refused:
            opening(tmp_path)
        assert "backup" in refused.value.remedy
    assert len(list((tmp_path / "segments").iterdir())) == 1


def test_a_damaged_database_is_refused_and_the_folder_is_free_again(tmp_path: Path) -> None:
    (tmp_path / "scribe.sqlite3").write_bytes(b"this is not a database, " * 100)
    for _ in range(2):
        with pytest.raises(StartupError, match="not a database"):
            open_store(tmp_path)


def test_a_database_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), range(50)))
    database = tmp_path / "scribe.sqlite3"
    with database.open("r+b") as file:
        file.truncate(3 * 4096)
    with pytest.raises(StartupError, match="malformed") as refused:
        open_store(tmp_path)
    assert "backup" in refused.value.remedy


@pytest.mark.logs_errors
def test_a_disk_that_fails_while_a_crash_is_mended_is_told(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
    with (tmp_path / "segments" / "00000001.seg").open("ab") as file:
        file.write(b"torn")
    files = FaultyFiles()
    files.fail["sync"] = errno.EIO
    with pytest.raises(StartupError, match="cannot be read"):
        Store.open(tmp_path, tmp_path, None, lambda: START_MS, files=files)
    assert files.fired == 1
    open_store(tmp_path).close()


def full_until_given_up(database: Database, blobs: SegmentStore, now: int) -> Recovered:
    """Mending what a crash left on a disk that is full but for the reserve."""
    if (database.path.parent / "reserve").exists():
        raise StorageFullError("database or disk is full")
    return recovery.recover(database, blobs, now)


def test_a_full_disk_is_started_on_with_the_room_that_was_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(tmp_path).close()
    monkeypatch.setattr(store_module, "recover", full_until_given_up)
    open_store(tmp_path).close()
    assert (tmp_path / "reserve").exists()


def test_a_disk_that_is_too_full_to_start_on_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Recovered:
        raise StorageFullError("database or disk is full")

    monkeypatch.setattr(store_module, "recover", full)
    with pytest.raises(StartupError, match="full") as refused:
        open_store(tmp_path)
    assert "Free some room" in refused.value.remedy


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="cannot be made"):
        open_store(tmp_path / "file" / "data")


def test_the_storage_may_be_elsewhere(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "data", tmp_path / "disk", None, lambda: START_MS)
    store.close()
    assert (tmp_path / "disk" / "segments").is_dir()
    assert not (tmp_path / "data" / "segments").exists()


def test_a_session_is_found_for_its_owner_in_memory_and_on_disk(tmp_path: Path) -> None:
    async def scenario(server: Served) -> list[HotSession | ErrorCode]:
        anna, ben = server.owner("anna"), server.owner("ben")
        find = server.store.find_session
        return [
            await find(anna.user_id, "anna", SESSION),
            await find(anna.user_id, "anna", SESSION),
            await find(anna.user_id, "anna", OTHER_SESSION),
            await find(ben.user_id, "ben", SESSION),
        ]

    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner("anna"), [0, 7]))
    with served(tmp_path) as server:
        loaded, kept, *unknown = asyncio.run(scenario(server))
        assert isinstance(loaded, HotSession)
        assert loaded is kept
        assert (loaded.max_seq, loaded.recording, loaded.user) == (7, True, "anna")
        assert unknown == [ErrorCode.NOT_FOUND] * 2


def test_a_command_may_make_tokens_beside_a_running_server(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        database = open_database(tmp_path, tmp_path, None)
        token = Auth(database, "token").create_token("anna")
        database.close()
        owner = asyncio.run(server.auth.authenticate(token))
        assert getattr(owner, "name", None) == "anna"


def test_a_command_may_make_the_database_but_not_under_a_running_server(tmp_path: Path) -> None:
    database = open_database(tmp_path, tmp_path, None)
    with database.snapshot() as connection:
        assert connection.execute(select(tokens)).all() == []
    database.close()
    store = open_store(tmp_path)
    connection_ = sqlite3.connect(tmp_path / "scribe.sqlite3")
    connection_.execute("UPDATE alembic_version SET version_num = '0000'")
    connection_.commit()
    connection_.close()
    with pytest.raises(StartupError, match="Another Scribe server"):
        open_database(tmp_path, tmp_path, None)
    store.close()
