import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scribe_server.metrics import Scrubbed
from scribe_server.protocol import ChunkAck, SyncCheck, SyncCheckSession
from scribe_server.store.scrubber import (
    CURSOR_FILE,
    FIRST_PAUSE_S,
    PASS_DAYS,
    Cursor,
    Scrubber,
    is_busy,
    load_cursor,
)
from scribe_server.store.writer import StoreLoad
from tests.parts.damage import flip_chunk, rows_of, segment_path
from tests.parts.store import OTHER_SESSION, SESSION, Served, audio_of, chunk_of, served

IDLE = StoreLoad(0, 0, 0.0, 0.0)


class _EnoughError(Exception):
    pass


class Run:
    """A scrubber that sleeps without waiting, until it has slept so long as to be done."""

    def __init__(self, server: Served, *, until: Callable[[float], bool]) -> None:
        self.slept: list[float] = []
        self.told: list[tuple[int, str, list[tuple[int, int]]]] = []
        self.counts = Scrubbed()
        self._until = until
        scrubber = Scrubber(
            server.store,
            server.folder,
            bytes_per_s=100.0,
            counts=self.counts,
            tell=lambda *news: self.told.append(news),
            sleep=self._sleep,
        )
        with pytest.raises(_EnoughError):
            asyncio.run(scrubber.run())

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self._until(seconds):
            raise _EnoughError


def one_pass(server: Served) -> Run:
    return Run(server, until=lambda seconds: seconds == 3600)


def states(folder: Path) -> list[str]:
    return [state for (state,) in rows_of(folder, "SELECT state FROM chunks ORDER BY sequence")]


def test_a_pass_hashes_every_chunk_at_the_pace_and_then_rests(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1, 2]))
        run = one_pass(server)
        sizes = [len(audio_of(number)) for number in range(3)]
        assert run.slept == [FIRST_PAUSE_S, *(size / 100 for size in sizes), 3600]
        assert run.counts == Scrubbed(chunks=3, bytes=sum(sizes), passes=1)
        assert (run.told, states(tmp_path)) == ([], ["stored"] * 3)


@pytest.mark.logs_errors
def test_damage_is_counted_told_and_healed_by_sending_the_chunk_again(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0, 1, 2]))
        flip_chunk(tmp_path, 0)
        flip_chunk(tmp_path, 1)
        run = one_pass(server)
        assert states(tmp_path) == ["damaged", "damaged", "stored"]
        assert run.told == [(owner.user_id, SESSION, [(0, 1)])]
        assert run.counts.damaged == 2
        asked = SyncCheck([SyncCheckSession(SESSION, [(0, 2)], "0" * 64)])
        (state,) = asyncio.run(server.ingest.sync_check(owner, asked)).sessions
        assert (state.stored, state.match) == ([(2, 2)], False)
        ack = asyncio.run(server.send(owner, chunk_of(1)))
        assert isinstance(ack, ChunkAck)
        assert not ack.duplicate
        assert states(tmp_path) == ["damaged", "stored", "stored"]


def test_after_a_restart_it_goes_on_where_it_was(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), range(70)))
        looks = iter(range(68))  # of the second batch, some: the first pause is one too
        run = Run(server, until=lambda _: next(looks, None) is None)
        assert run.counts.chunks == 68
    assert load_cursor(tmp_path / CURSOR_FILE).row == 64
    with served(tmp_path) as server:
        assert one_pass(server).counts.chunks == 6


def test_the_next_pass_waits_for_its_week_and_not_for_a_clock_that_was_put_back(
    tmp_path: Path,
) -> None:
    day = 86_400_000
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        now = server.clock.now
        for began_at, chunks in [
            (now - (PASS_DAYS + 1) * day, 1),
            (now - 1 * day, 0),
            (now + 400 * day, 1),
        ]:
            cursor = f'{{"row": 0, "began_at": {began_at}}}'
            (tmp_path / CURSOR_FILE).write_text(cursor)
            assert one_pass(server).counts.chunks == chunks


@pytest.mark.parametrize("content", [b"", b"null", b'{"row": "x"}', b"\xff", b'{"row": 1}'])
def test_a_cursor_that_cannot_be_read_begins_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CURSOR_FILE).write_bytes(content)
    assert load_cursor(tmp_path / CURSOR_FILE) == Cursor()
    assert load_cursor(tmp_path / "none") == Cursor()


@pytest.mark.parametrize(
    ("load", "busy"),
    [
        (IDLE, False),
        (StoreLoad(7, 1000, 0.1, 5.0), False),
        (StoreLoad(8, 1000, 0.0, 0.0), True),
        (StoreLoad(1, 1000, 0.2, 0.0), True),
    ],
)
def test_a_store_on_which_recorders_wait_is_busy(load: StoreLoad, busy: bool) -> None:
    assert is_busy(load) is busy


def test_while_the_store_is_busy_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))
        loads = [StoreLoad(9, 0, 0.0, 0.0)] * 3 + [IDLE]
        monkeypatch.setattr(server.store, "load", lambda: loads.pop(0))
        run = one_pass(server)
        assert run.slept[:4] == [FIRST_PAUSE_S, 1.0, 1.0, 1.0]
        assert run.counts.chunks == 1


@pytest.mark.logs_errors
def test_bytes_that_the_disk_no_longer_gives_are_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0, 1]))
        ((offset,),) = rows_of(tmp_path, 'SELECT "offset" FROM chunks WHERE sequence = 1')
        pread = os.pread

        def failing(descriptor: int, length: int, at: int) -> bytes:
            if at == offset:
                raise OSError(errno.EIO, "Input/output error")
            return pread(descriptor, length, at)

        monkeypatch.setattr(os, "pread", failing)
        one_pass(server)
        assert states(tmp_path) == ["stored", "damaged"]


@pytest.mark.logs_errors
def test_a_reading_that_fails_for_another_reason_is_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), [0]))

        def failing(*_: object) -> bytes:
            raise OSError(errno.EMFILE, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", failing)
            assert one_pass(server).slept == [FIRST_PAUSE_S, 3600.0]
        assert states(tmp_path) == ["stored"]


@pytest.mark.logs_errors
def test_a_disk_that_is_not_there_does_not_make_everything_damaged(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        asyncio.run(server.record(server.owner(), range(40)))
        segment_path(tmp_path, 1).unlink()
        run = one_pass(server)
        assert states(tmp_path).count("damaged") == run.counts.damaged == 16


def test_a_chunk_that_was_deleted_while_it_was_read_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as server:
        owner = server.owner()
        asyncio.run(server.record(owner, [0]))
        asyncio.run(server.record(owner, [0], OTHER_SESSION))
        look = Scrubber._hash

        def meanwhile(scrubber: Scrubber, row: object) -> bool:
            if row.uuid == OTHER_SESSION:  # type: ignore[attr-defined] - a row
                asyncio.run(server.store.sessions.delete(owner, OTHER_SESSION))
            return look(scrubber, row)  # type: ignore[arg-type] - a row

        monkeypatch.setattr(Scrubber, "_hash", meanwhile)
        run = one_pass(server)
        assert (run.counts.chunks, run.counts.damaged, run.told) == (2, 0, [])
