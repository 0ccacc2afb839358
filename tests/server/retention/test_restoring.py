import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from scribe_server.protocol import SessionStatus
from scribe_server.retention import restoring
from scribe_server.retention.restoring import ColdError, Restored, restore
from scribe_server.store import Store
from scribe_server.store.errors import BlobDamagedError, StorageFailedError
from scribe_server.store.schema import chunks, segments
from tests.parts.damage import flip
from tests.parts.retention import (
    COOLING,
    archive_paths,
    archived,
    is_hot,
    read,
    run_after,
    status_of,
)
from tests.parts.store import OTHER_SESSION, SESSION, Served, audio_of, served


def bring_back(server: Served, session: str = SESSION) -> Restored | None:
    owner = server.owner()
    return asyncio.run(restore(server.store, owner.user_id, owner.name, session))


def test_a_restored_session_is_hot_as_before(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        done = bring_back(server)
        assert done == Restored(3, sum(len(audio_of(n)) for n in range(3)))
        assert status_of(server) is SessionStatus.COMPLETE
        assert all(is_hot(tmp_path, n) for n in range(3))
        assert asyncio.run(read(server, server.owner(), 1)) == audio_of(1)
        assert len(archive_paths(tmp_path)) == 1
    with served(tmp_path) as server:
        assert server.store.recovered.damaged == 0
        with server.store.database.snapshot() as connection:
            live = connection.execute(select(segments.c.number, segments.c.live)).all()
            placed = connection.execute(select(chunks.c.segment)).scalars().all()
        assert dict(map(tuple, live)) == {number: placed.count(number) for number, _ in live}


def test_it_is_archived_again_after_the_retention_days_and_the_older_archive_goes(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        (older,) = archive_paths(tmp_path)
        bring_back(server)
        asyncio.run(run_after(server, 6))
        assert status_of(server) is SessionStatus.COMPLETE
        asyncio.run(run_after(server, 2))
        assert status_of(server) is SessionStatus.ARCHIVED
        (newer,) = archive_paths(tmp_path)
        assert newer != older
        assert asyncio.run(read(server, server.owner(), 2)) == audio_of(2)
        assert not is_hot(tmp_path, 2)


def failing_at_the_last(store: Store, row: Any) -> bytes:
    if row.sequence == 2:
        raise StorageFailedError("no route to the archives")
    return read_for_real(store, row)


read_for_real = restoring._read


def test_restoring_goes_on_where_it_was_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "BATCH_BYTES", 1)
    with served(tmp_path) as server:
        archived(server, server.owner())
        with monkeypatch.context() as patch:
            patch.setattr(restoring, "_read", failing_at_the_last)
            with pytest.raises(StorageFailedError):
                bring_back(server)
        assert status_of(server) is SessionStatus.COMPLETE
        assert [is_hot(tmp_path, n) for n in range(3)] == [True, True, False]
        owner = server.owner()
        assert [asyncio.run(read(server, owner, n)) for n in range(3)] == [
            audio_of(n) for n in range(3)
        ]
        done = bring_back(server)
        assert done is not None
        assert done.chunks == 1
        assert is_hot(tmp_path, 2)


def test_restoring_what_is_hot_does_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        bring_back(server)
        assert bring_back(server) == Restored(0, 0)


def test_an_unknown_session_is_none_and_a_cold_one_has_nothing_to_bring_back(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        assert bring_back(server, OTHER_SESSION) is None
        asyncio.run(run_after(server, 31, COOLING))
        with pytest.raises(ColdError):
            bring_back(server)


def test_a_damaged_archive_is_not_brought_back(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        archived(server, server.owner())
        (path,) = archive_paths(tmp_path)
        flip(path, path.read_bytes().index(audio_of(1)) + 20)
        with pytest.raises(BlobDamagedError, match="chunk 1 is damaged"):
            bring_back(server)
        assert status_of(server) is SessionStatus.ARCHIVED
