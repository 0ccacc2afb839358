"""What a start does about crashes and losses: nothing acked is silently lost or made up."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from scribe_server.protocol import ChunkAck, SessionStatus, StopSession, SyncCheck, SyncCheckSession
from scribe_server.store.recovery import Recovered
from scribe_server.store.schema import chunks, segments
from tests.parts.damage import check
from tests.parts.processes import REPOSITORY
from tests.parts.store import (
    OTHER_SESSION,
    SESSION,
    Served,
    audio_of,
    chunk_of,
    served,
    sha_of,
    stop_of,
)

DIE_BETWEEN_BYTES_AND_ROWS = """
import asyncio, os, sys
from pathlib import Path
from scribe_server.store import batch
from tests.parts.store import chunk_of, served

with served(Path(sys.argv[1])) as server:
    owner = server.owner()
    asyncio.run(server.record(owner, [0]))
    batch._write_rows = lambda *_: os._exit(9)
    asyncio.run(server.send(owner, chunk_of(1)))
"""


def books(server: Served, session: str = SESSION) -> dict[int, tuple[str, str]]:
    found = asyncio.run(server.store.sessions.chunks(server.owner(), session))
    assert found is not None
    return {chunk.sequence: (chunk.sha256, chunk.state) for chunk in found.chunks}


def record(folder: Path, count: int) -> list[int]:
    """Store chunks one by one; gives the size of the segment after each."""
    sizes = []
    with served(folder) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, []))
        for number in range(count):
            asyncio.run(server.send(owner, chunk_of(number)))
            sizes.append(server.segment_files()[0].stat().st_size)
    return sizes


def forget_rows_from(folder: Path, first: int, end: int) -> None:
    """As if the process had died between the bytes and the rows."""
    with served(folder) as server, server.store.database.transaction() as connection:
        connection.execute(delete(chunks).where(chunks.c.sequence >= first))
        connection.execute(update(segments).values(end=end, live=first))


def test_a_clean_start_changes_nothing(tmp_path: Path) -> None:
    record(tmp_path, 3)
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered()
        assert len(books(server)) == 3


def test_whole_records_without_a_row_are_indexed_again(tmp_path: Path) -> None:
    sizes = record(tmp_path, 4)
    forget_rows_from(tmp_path, 2, sizes[1])
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered(indexed=2)
        assert books(server) == {number: (sha_of(number), "stored") for number in range(4)}
        again = asyncio.run(server.send(server.owner(), chunk_of(3)))
        assert isinstance(again, ChunkAck)
        assert again.duplicate


def test_a_process_that_dies_between_bytes_and_rows_loses_no_chunk(tmp_path: Path) -> None:
    command = [sys.executable, "-c", DIE_BETWEEN_BYTES_AND_ROWS, str(tmp_path)]
    assert subprocess.run(command, check=False, cwd=REPOSITORY).returncode == 9
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered(indexed=1)
        assert books(server) == {number: (sha_of(number), "stored") for number in range(2)}


def end_of(folder: Path, sequence: int) -> int:
    with served(folder) as server, server.store.database.snapshot() as connection:
        ends = select(chunks.c.offset + chunks.c.size).where(chunks.c.sequence == sequence)
        return int(connection.execute(ends).scalar_one())


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_torn_record_is_cut_and_appending_goes_on_in_its_place(tmp_path: Path, cut: int) -> None:
    sizes = record(tmp_path, 3)
    torn = end_of(tmp_path, 2) - cut
    forget_rows_from(tmp_path, 1, sizes[0])
    segment = tmp_path / "segments" / "00000001.seg"
    with segment.open("r+b") as file:
        file.truncate(torn)
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered(indexed=1, cut_bytes=torn - sizes[1])
        assert sorted(books(server)) == [0, 1]
        assert segment.stat().st_size == sizes[1]
        ack = asyncio.run(server.send(server.owner(), chunk_of(2)))
        assert isinstance(ack, ChunkAck)
        assert not ack.duplicate
        assert segment.stat().st_size == sizes[2]
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered()


def test_a_whole_record_whose_filling_was_not_written_is_indexed_and_filled_up(
    tmp_path: Path,
) -> None:
    sizes = record(tmp_path, 2)
    end = end_of(tmp_path, 1)
    assert end < sizes[1], "no filling behind the record"
    forget_rows_from(tmp_path, 1, sizes[0])
    segment = tmp_path / "segments" / "00000001.seg"
    with segment.open("r+b") as file:
        file.truncate(end)
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered(indexed=1)
        assert segment.stat().st_size == sizes[1]
        asyncio.run(server.send(server.owner(), chunk_of(2)))
        assert len(server.segment_files()) == 1
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered()
        assert sorted(books(server)) == [0, 1, 2]


def test_a_segment_of_an_older_version_that_ends_inside_a_block_is_kept_and_not_gone_on_with(
    tmp_path: Path,
) -> None:
    record(tmp_path, 2)
    end = end_of(tmp_path, 1)
    segment = tmp_path / "segments" / "00000001.seg"
    with served(tmp_path) as server, server.store.database.transaction() as connection:
        connection.execute(update(segments).values(end=end))
    with segment.open("r+b") as file:
        file.truncate(end)
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered()
        asyncio.run(server.send(server.owner(), chunk_of(2)))
        assert segment.stat().st_size == end
        assert len(server.segment_files()) == 2
        assert {state for _, state in books(server).values()} == {"stored"}


def test_garbage_behind_the_last_record_is_cut(tmp_path: Path) -> None:
    (size,) = record(tmp_path, 1)
    segment = tmp_path / "segments" / "00000001.seg"
    with segment.open("ab") as file:
        file.write(b"garbage")
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered(cut_bytes=7)
        assert segment.stat().st_size == size


def forget_everything(folder: Path) -> None:
    """As if the database had been restored from a backup that is older than all of this."""
    with served(folder) as server, server.store.database.transaction() as connection:
        for table in ("chunks", "sessions", "segments", "devices", "usage", "users"):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own words


def test_records_of_an_unknown_session_become_a_session_again(tmp_path: Path) -> None:
    record(tmp_path, 2)
    forget_everything(tmp_path)
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered(indexed=2)
        assert books(server) == {number: (sha_of(number), "stored") for number in range(2)}


def test_an_older_database_costs_no_segment_that_it_does_not_know(tmp_path: Path) -> None:
    with served(tmp_path, max_segment_bytes=1) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        asyncio.run(server.record(server.owner("ben"), [0, 1], OTHER_SESSION))
        before = server.segment_files()
        assert len(before) == 4
    forget_everything(tmp_path)
    with served(tmp_path) as server:
        assert server.segment_files() == before
        assert server.store.recovered == Recovered(indexed=4)
        found = asyncio.run(server.store.sessions.chunks(server.owner("ben"), OTHER_SESSION))
        assert found is not None
        assert [chunk.sequence for chunk in found.chunks] == [0, 1]


def test_chunks_of_a_missing_segment_are_damaged_and_mended_by_sending_them_again(
    tmp_path: Path,
) -> None:
    record(tmp_path, 3)
    (tmp_path / "segments" / "00000001.seg").unlink()
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered(damaged=3)
        assert {state for _, state in books(server).values()} == {"damaged"}
        owner = server.owner()
        ack = asyncio.run(server.send(owner, chunk_of(1)))
        assert isinstance(ack, ChunkAck)
        assert not ack.duplicate
        assert [books(server)[number][1] for number in range(3)] == [
            "damaged",
            "stored",
            "damaged",
        ]
        ref = asyncio.run(server.store.sessions.chunk_ref(owner, SESSION, 1))
        assert ref is not None
        assert server.store.blobs.read(ref) == audio_of(1)
    with served(tmp_path) as server:
        assert server.store.recovered == Recovered()


def test_only_the_chunks_behind_a_short_segments_end_are_damaged(tmp_path: Path) -> None:
    sizes = record(tmp_path, 3)
    with (tmp_path / "segments" / "00000001.seg").open("r+b") as file:
        file.truncate(sizes[1] + 10)
    with served(tmp_path) as server:
        assert server.store.recovered.damaged == 1
        owner = server.owner()
        asked = SyncCheck([SyncCheckSession(SESSION, [(0, 2)], "0" * 64)])
        (state,) = asyncio.run(server.ingest.sync_check(owner, asked)).sessions
        assert (state.stored, state.max_seq, state.match) == ([(0, 1)], 2, False)
        missing = asyncio.run(server.store.sessions.missing(owner, SESSION))
        assert missing is not None
        assert (missing.missing, missing.total_chunks) == ([2], 2)


def test_a_complete_session_with_a_damaged_chunk_is_incomplete_until_it_is_mended(
    tmp_path: Path,
) -> None:
    async def status(server: Served) -> SessionStatus:
        summary = await server.store.sessions.summary(server.owner(), SESSION)
        assert summary is not None
        return summary.status

    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        asyncio.run(server.ingest.stop_session(server.owner(), stop_of(2)))
        assert asyncio.run(status(server)) is SessionStatus.COMPLETE
    (tmp_path / "segments" / "00000001.seg").unlink()
    with served(tmp_path) as server:
        assert asyncio.run(status(server)) is SessionStatus.INCOMPLETE
        for number in range(2):
            asyncio.run(server.send(server.owner(), chunk_of(number)))
        assert asyncio.run(status(server)) is SessionStatus.COMPLETE


def test_a_tombstone_without_a_row_is_applied(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        with server.store.database.snapshot() as connection:
            end = connection.execute(segments.select()).one().end
        asyncio.run(server.store.sessions.delete(owner, OTHER_SESSION))
        # As if the process had died before the rows: the session is there again, the record too.
        with server.store.database.transaction() as connection:
            connection.execute(text("DELETE FROM tombstones"))
            connection.execute(update(segments).values(end=end))
        server.store.hot.forget(owner.user_id, OTHER_SESSION, -1)
        asyncio.run(server.start(owner, OTHER_SESSION))
    with served(tmp_path) as server:
        owner = server.owner()
        assert asyncio.run(server.store.sessions.summary(owner, OTHER_SESSION)) is None
        assert asyncio.run(server.store.sessions.delete(owner, OTHER_SESSION)) is True
        assert asyncio.run(server.store.sessions.summary(owner, SESSION)) is not None


def test_an_indexed_chunk_of_a_stopped_session_counts_for_its_status(tmp_path: Path) -> None:
    sizes = record(tmp_path, 2)
    forget_rows_from(tmp_path, 1, sizes[0])
    with served(tmp_path) as server:
        asyncio.run(server.ingest.stop_session(server.owner(), StopSession(SESSION)))
        missing = asyncio.run(server.store.sessions.missing(server.owner(), SESSION))
        assert missing is not None
        assert (missing.expected_chunks, missing.complete) == (2, True)


def test_the_database_copied_first_and_the_segments_after_it_are_a_backup(tmp_path: Path) -> None:
    third = "33333333-3333-4333-8333-333333333333"
    with served(tmp_path / "server", max_segment_bytes=1) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1]))
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        (tmp_path / "backup").mkdir()
        source = sqlite3.connect(server.folder / "scribe.sqlite3")
        copy = sqlite3.connect(tmp_path / "backup" / "scribe.sqlite3")
        source.backup(copy)
        source.close()
        copy.close()
        asyncio.run(server.record(owner, [2]))
        asyncio.run(server.store.sessions.delete(owner, OTHER_SESSION))
        asyncio.run(server.record(server.owner("ben"), [0], third))
        for folder in ("segments", "keys"):
            shutil.copytree(server.folder / folder, tmp_path / "backup" / folder)
    with served(tmp_path / "backup") as server:
        assert books(server) == {number: (sha_of(number), "stored") for number in range(3)}
        assert asyncio.run(server.store.sessions.chunks(server.owner(), OTHER_SESSION)) is None
        assert asyncio.run(server.store.sessions.chunks(server.owner("ben"), third)) is not None
    assert check(tmp_path / "backup").findings == []
