"""What lives that mend begin with, and what must be there at their end."""

import asyncio
from contextlib import closing
from pathlib import Path

from scribe_desktop.model import Gap, Marker
from scribe_desktop.spool import Spool
from scribe_desktop.spool.quarantine import FILE_NAME, quarantined, waiting
from scribe_server.store.database import DATABASE_NAME
from tests.faults.crash_points.judging import problems_of
from tests.faults.crash_points.points import Life
from tests.faults.crash_points.server import FOLDER
from tests.faults.model.server import ModelServer
from tests.parts.damage import check, flip_chunk, rows_of
from tests.parts.damaging import overwrite_page, root_page
from tests.parts.filled_spool import add_session, chunk_bytes, new_chunk, session_id_of
from tests.parts.store import OTHER_SESSION, SESSION, audio_of, served

CHUNKS = 3
SIZE = 3_000
SPOOLED = [session_id_of(1), session_id_of(2)]
SEGMENT_BYTES = 12_000
SERVED = 6
FLIPPED, UNINDEXED = 1, 4


def damage_a_spool(folder: Path) -> None:
    """Two recordings, one part acked, in a file whose index is broken; its log is there."""
    with closing(Spool.open(folder / "spool")) as spool:
        for session_id in SPOOLED:
            add_session(spool, session_id, chunks=CHUNKS, size=SIZE)
            spool.add_gap(session_id, Gap(5, 10, "xrun", 0))
            spool.add_marker(session_id, Marker(7, "here", 9))
        first = new_chunk(SPOOLED[0], 0, size=SIZE)
        spool.mark_acked(SPOOLED[0], 0, sha256=first.sha256, acked_at=8)
    path = folder / "spool" / FILE_NAME
    overwrite_page(path, root_page(path, "chunks_unsent"))
    path.with_name(path.name + "-wal").write_bytes(b"")


def judge_salvage(folder: Path) -> None:
    """All of it is in the new file, the old one is kept once, and its report is there."""
    place = folder / "spool"
    assert (len(quarantined(place)), waiting(place)) == (1, [])
    with closing(Spool.open_read_only(place)) as spool:
        assert len(spool.sessions()) == len(SPOOLED)
        for session_id in SPOOLED:
            for sequence in range(CHUNKS):
                data = spool.chunk_data(session_id, sequence)
                assert data == chunk_bytes(session_id, sequence, SIZE)
            assert spool.gaps(session_id) == [Gap(5, 10, "xrun", 0)]
            assert spool.markers(session_id) == [Marker(7, "here", 9)]
        assert spool.pending() == len(SPOOLED) * CHUNKS - 1
    assert problems_of(place / FILE_NAME) == []


def lose_a_database(folder: Path) -> None:
    """A server with two sessions, one of which was deleted; then its database is gone."""
    _store(folder, [SESSION, OTHER_SESSION])
    path = folder / FOLDER / DATABASE_NAME
    with path.open("r+b") as file:
        file.write(b"no database any more")


def judge_rebuilt(folder: Path) -> None:
    """The server starts on the new database and has everything that was not deleted."""
    _judge_server(folder, {SESSION}, set())
    kept = [path for path in (folder / FOLDER).glob("*.before-rebuild-*") if path.suffix == ""]
    assert len(kept) <= 1
    assert check(folder / FOLDER).findings == []


def hurt_a_folder(folder: Path) -> None:
    """A changed byte, a lost row, a wrong count."""
    _store(folder, [SESSION])
    flip_chunk(folder / FOLDER, FLIPPED)
    rows_of(folder / FOLDER, "DELETE FROM chunks WHERE sequence = ?", UNINDEXED)
    (folder / FOLDER / "keys" / "something.partial").write_bytes(b"half")


def judge_mended(folder: Path) -> None:
    """What is damaged is marked, the lost rows are there again, and nothing else is wrong."""
    _judge_server(folder, {SESSION}, {FLIPPED})
    kinds = {found.kind.value for found in check(folder / FOLDER).findings}
    assert kinds <= {"chunk-missing"}, kinds


def _judge_server(folder: Path, wanted: set[str], damaged: set[int]) -> None:
    loop = asyncio.new_event_loop()
    with closing(ModelServer(folder, loop)) as server:
        held = server.held()
        assert server.problems() == []
    loop.close()
    assert set(held) == wanted
    for session_id, books in held.items():
        assert sorted(books) == list(range(SERVED))
        for sequence, each in books.items():
            if each.stored:
                assert each.data == audio_of(sequence, session_id)
            else:
                assert sequence in damaged


def _store(folder: Path, recorded: list[str]) -> None:
    """Store sessions; another one than SESSION is deleted again."""

    async def fill() -> None:
        with served(folder / FOLDER, max_segment_bytes=SEGMENT_BYTES) as server:
            anna = server.owner()
            for session in recorded:
                await server.record(anna, range(SERVED), session)
                if session != SESSION:
                    await server.store.sessions.delete(anna, session)

    (folder / FOLDER).mkdir()
    asyncio.run(fill())


PREPARED = {
    Life.SALVAGE: damage_a_spool,
    Life.REBUILD: lose_a_database,
    Life.MEND: hurt_a_folder,
}
JUDGED = {
    Life.SALVAGE: judge_salvage,
    Life.REBUILD: judge_rebuilt,
    Life.MEND: judge_mended,
}
