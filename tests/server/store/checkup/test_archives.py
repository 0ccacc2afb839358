import asyncio
from pathlib import Path

import pytest

from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.checkup.archives import ArchiveCheck, hash_of, known_keys
from scribe_server.store.errors import ArchiveMissingError, StorageFailedError
from tests.parts.damage import flip
from tests.parts.retention import RULES, archive_paths, archive_rows, archived, run_after
from tests.parts.store import SESSION, Served, served


def found(server: Served, *, quick: bool = False) -> list[str]:
    check = ArchiveCheck(server.store.database, server.store.shelf.place, quick=quick)
    findings = list(check.findings())
    assert check.looked_at == len(archive_rows(server))
    return [f"{one.kind.value}: {one.message}" for one in findings]


def test_a_sound_archive_is_not_mentioned(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        assert found(server) == found(server, quick=True) == []


def test_a_changed_byte_is_found_unless_nothing_is_read(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        (path,) = archive_paths(tmp_path)
        flip(path, path.stat().st_size // 2)
        (problem,) = found(server)
        assert problem.startswith("archive-damaged: The archive 1/")
        assert f"of session {SESSION} of anna is not what was put into" in problem
        assert found(server, quick=True) == []
        path.write_bytes(path.read_bytes()[:-1])
        assert "archive-damaged" in found(server, quick=True)[0]


@pytest.mark.parametrize("quick", [True, False])
def test_a_missing_archive_and_one_that_nobody_knows_are_found(
    tmp_path: Path, *, quick: bool
) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        (path,) = archive_paths(tmp_path)
        path.rename(path.with_name("other.zip"))
        missing, unknown = found(server, quick=quick)
        assert missing.startswith("archive-missing: ")
        assert unknown.startswith("archive-unknown: The archive 1/other.zip in ")


def test_a_place_out_of_reach_is_one_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StorageFailedError("no route")

    with served(tmp_path) as server:
        archived(server, server.owner())
        monkeypatch.setattr(FolderPlace, "size", failing)
        (problem,) = found(server, quick=True)
        assert problem.startswith("archive-unreachable: ")
        assert problem.endswith("no route")


def test_an_archive_that_was_replaced_meanwhile_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replaced(_: object, key: str) -> None:
        asyncio.run(server.store.sessions.delete(server.owner(), SESSION))
        raise ArchiveMissingError(key)

    with served(tmp_path) as server:
        archived(server, server.owner())
        monkeypatch.setattr(FolderPlace, "size", replaced)
        check = ArchiveCheck(server.store.database, server.store.shelf.place, quick=True)
        assert list(check.findings()) == []


def test_the_hash_is_that_of_the_file_and_jobs_are_known(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        (row,) = archive_rows(server)
        assert hash_of(server.store.shelf.place, row["key"]) == (row["size"], row["sha256"])
        asyncio.run(run_after(server, 0, RULES))
        with server.store.database.snapshot() as connection:
            assert known_keys(connection) == {row["key"]}
