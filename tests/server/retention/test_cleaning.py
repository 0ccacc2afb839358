import asyncio
from pathlib import Path

import pytest

from scribe_server.retention.cleaning import Cleaned, clean
from scribe_server.store.archives.folder import FolderPlace
from scribe_server.store.archives.rows import DROP_JOB, PUT_JOB, add_job
from scribe_server.store.errors import StorageFailedError
from tests.parts.retention import archive_paths, archive_rows, archived, job_kinds
from tests.parts.store import Served, served


def leave(server: Served, kind: str, key: str) -> None:
    with server.store.database.transaction() as connection:
        add_job(connection, kind, key, 1)


def test_what_a_crash_left_in_the_place_is_removed(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        with server.store.shelf.place.put("1/left.zip") as sink:
            sink.write(b"whole, but named by no row")
        leave(server, PUT_JOB, "1/left.zip")
        leave(server, PUT_JOB, "1/never-finished.zip")
        leave(server, DROP_JOB, "1/gone.zip")
        assert asyncio.run(clean(server.store)) == Cleaned(removed=3)
        assert archive_paths(tmp_path) == []
        assert job_kinds(server) == []


def test_an_archive_that_a_row_names_stays(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        (row,) = archive_rows(server)
        for kind in (PUT_JOB, DROP_JOB):
            leave(server, kind, row["key"])
        assert asyncio.run(clean(server.store)) == Cleaned()
        assert len(archive_paths(tmp_path)) == 1
        assert job_kinds(server) == []


def test_a_place_out_of_reach_is_asked_again_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise StorageFailedError("no route")

    with served(tmp_path) as server:
        leave(server, DROP_JOB, "1/a.zip")
        with monkeypatch.context() as patch:
            patch.setattr(FolderPlace, "delete", failing)
            assert asyncio.run(clean(server.store)) == Cleaned(left=1)
        assert job_kinds(server) == ["archive-drop"]
        assert asyncio.run(clean(server.store)) == Cleaned(removed=1)
