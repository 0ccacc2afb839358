from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scribe_desktop.capture.cutter import first_sample_of
from scribe_desktop.capture.journal import Journal, JournalContents, JournalHeader
from scribe_desktop.capture.recovery import recover_sessions, recovered_chunks, within
from scribe_desktop.capture.writer import SessionWriter
from scribe_desktop.model import Gap, GapReason
from scribe_desktop.spool import Spool
from tests.parts.capture import SESSION_ID, decoded, new_session, packets_in, tone

NOW = 1_700_000_500_000


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool.open(tmp_path / "spool")
    yield spool
    spool.close()


class Crash:
    """A recorder that is killed: the journal is closed as it is and the session stays open."""

    def __init__(self, folder: Path, spool: Spool) -> None:
        self.spool = spool
        self.folder = folder / "journal"
        self.journal = Journal(self.folder / f"{SESSION_ID}.journal")
        spool.create_session(new_session())
        self.writer = SessionWriter(
            spool, self.journal, new_session(), on_spooled=lambda _id: None, chunk_packets=50
        )

    def recover(self) -> list[str]:
        self.journal.close()
        return recover_sessions(self.spool, self.folder, clock=lambda: NOW)

    def own_packets(self) -> list[bytes]:
        packets: list[bytes] = []
        for chunk in self.spool.chunks(SESSION_ID):
            data = self.spool.chunk_data(SESSION_ID, chunk.sequence)
            assert len(decoded(data)) == chunk.samples
            packets += packets_in(data)[4 if chunk.sequence else 0 :]
        return packets


@pytest.fixture
def crash(tmp_path: Path, spool: Spool) -> Crash:
    return Crash(tmp_path, spool)


def test_what_was_journalled_becomes_a_chunk_of_a_recovered_session(crash: Crash) -> None:
    crash.writer.feed(tone(120 * 960 + 500))
    crash.writer.sync()
    before = len(crash.spool.chunks(SESSION_ID))
    assert crash.recover() == [SESSION_ID]
    session = crash.spool.session(SESSION_ID)
    assert session is not None
    assert session.recovered
    assert session.total_samples == first_sample_of(120)
    assert session.ended_at == session.started_at + 2_393
    assert (before, session.chunks) == (2, 3)
    assert len(crash.own_packets()) == 120
    assert list(crash.folder.iterdir()) == []


def test_sound_after_the_last_sync_is_all_that_is_lost(crash: Crash) -> None:
    crash.writer.feed(tone(40 * 960))
    crash.writer.sync()
    crash.writer.feed(tone(5 * 960))
    assert crash.recover() == [SESSION_ID]
    assert len(crash.own_packets()) == 40


def test_packets_of_a_chunk_that_the_spool_has_are_not_added_twice(
    crash: Crash,
) -> None:
    crash.writer.feed(tone(50 * 960))
    crash.writer.sync()
    kept = crash.journal.path.read_bytes()
    crash.writer.feed(tone(10 * 960))
    crash.writer.sync()
    own = crash.journal.path.read_bytes()
    assert [chunk.samples for chunk in crash.spool.chunks(SESSION_ID)] == [first_sample_of(50)]
    # Dying between the commit of the chunk and the new journal leaves the old one.
    crash.journal.path.write_bytes(kept)
    assert crash.recover() == [SESSION_ID]
    assert len(crash.own_packets()) == 50
    assert len(own) < len(kept)


def test_recovering_twice_changes_nothing(crash: Crash) -> None:
    crash.writer.feed(tone(20 * 960))
    crash.writer.sync()
    journal = crash.journal.path.read_bytes()
    crash.recover()
    first = (crash.spool.chunks(SESSION_ID), crash.spool.gaps(SESSION_ID))
    crash.journal.path.write_bytes(journal)
    assert crash.recover() == []
    assert (crash.spool.chunks(SESSION_ID), crash.spool.gaps(SESSION_ID)) == first


def test_gaps_that_only_the_journal_knew_are_kept_and_end_with_the_sound(crash: Crash) -> None:
    crash.writer.feed(tone(20 * 960))
    crash.writer.feed_zeros(10_000, GapReason.NO_DEVICE)
    crash.writer.sync()
    crash.recover()
    session = crash.spool.session(SESSION_ID)
    assert session is not None
    total = session.total_samples
    assert crash.spool.gaps(SESSION_ID) == [
        Gap(19_200, total - 19_200, "no-device", (total - 19_200) // 48),
        Gap(total, 0, "crash", 0),
    ]


def test_a_session_that_the_spool_has_lost_is_made_again_where_it_was(
    crash: Crash, tmp_path: Path
) -> None:
    crash.writer.feed(tone(70 * 960))
    crash.writer.sync()
    crash.journal.close()
    other = Spool.open(tmp_path / "other")
    try:
        assert recover_sessions(other, crash.folder, clock=lambda: NOW) == [SESSION_ID]
        (chunk,) = other.chunks(SESSION_ID)
        assert (chunk.sequence, chunk.first_sample, chunk.samples) == (1, 47_688, 20 * 960)
        assert len(decoded(other.chunk_data(SESSION_ID, 1))) == chunk.samples
    finally:
        other.close()


def test_an_open_session_without_a_journal_ends_at_its_last_chunk(crash: Crash) -> None:
    crash.writer.feed(tone(51 * 960))
    crash.journal.close()
    crash.journal.path.unlink()
    assert crash.recover() == [SESSION_ID]
    session = crash.spool.session(SESSION_ID)
    assert session is not None
    assert (session.total_samples, session.recovered) == (47_688, True)


def test_a_session_that_captured_nothing_is_removed(crash: Crash) -> None:
    assert crash.recover() == []
    assert crash.spool.session(SESSION_ID) is None


def test_a_file_that_is_no_journal_is_put_aside_and_kept(crash: Crash) -> None:
    crash.journal.path.write_bytes(b"not a journal")
    crash.recover()
    (aside,) = crash.folder.iterdir()
    assert aside.name == f"{SESSION_ID}.{NOW}.damaged"
    assert aside.read_bytes() == b"not a journal"


def test_a_file_that_never_came_into_its_place_is_removed(crash: Crash) -> None:
    (crash.folder / "other.new").write_bytes(b"half")
    crash.recover()
    assert list(crash.folder.iterdir()) == []


def test_without_a_journal_folder_nothing_happens(spool: Spool, tmp_path: Path) -> None:
    assert recover_sessions(spool, tmp_path / "none") == []


@given(st.integers(0, 3_200), st.integers(0, 3_200))
def test_a_journal_of_any_length_is_cut_into_chunks_that_follow_what_is_stored(
    stored: int, journalled: int
) -> None:
    stored = stored if stored >= 4 else 0
    held = range(max(0, stored - 4), stored + journalled)
    packets = {first_sample_of(n): b"%d" % n for n in held}
    contents = JournalContents(JournalHeader(new_session(), 0, 0, 0), packets)
    after = max(0, first_sample_of(stored)) if stored else 0
    chunks = recovered_chunks(contents, after=after, sequence=7)
    assert [chunk.sequence for chunk in chunks] == [7 + n for n in range(len(chunks))]
    assert sum(len(chunk.packets) for chunk in chunks) == journalled
    assert sum(chunk.samples for chunk in chunks) == (
        first_sample_of(stored + journalled) - after if journalled else 0
    )


def test_packets_behind_a_hole_are_left_out() -> None:
    packets = {first_sample_of(n): b"x" for n in (0, 1, 2, 5, 6)}
    contents = JournalContents(JournalHeader(new_session(), 0, 0, 0), packets)
    (chunk,) = recovered_chunks(contents, after=0, sequence=0)
    assert len(chunk.packets) == 3


def test_gaps_beyond_the_end_are_left_out() -> None:
    gaps = [Gap(100, 0, "pause", 5), Gap(99, 10, "xrun", 0), Gap(100, 1, "mute", 0)]
    assert list(within(gaps, 100)) == [Gap(100, 0, "pause", 5), Gap(99, 1, "xrun", 0)]


def test_chunks_that_the_server_may_have_are_never_written_anew(crash: Crash) -> None:
    crash.writer.feed(tone(60 * 960))
    crash.writer.sync()
    (before,) = crash.spool.chunks(SESSION_ID)
    crash.recover()
    after = crash.spool.chunks(SESSION_ID)
    assert after[0] == before
    assert after[1].first_sample == before.first_sample + before.samples
